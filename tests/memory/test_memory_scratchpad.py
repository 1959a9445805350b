import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.errors import ConfigError
from lottery_plugins.memory import MEMORY_BACKENDS
from lottery_plugins.memory.scratchpad import Scratchpad
from lottery_plugins.testing.contracts.memory import check_memory


@pytest.mark.parametrize("memory_class", MEMORY_BACKENDS)
def test_built_in_memory_keeps_the_contract(memory_class):
    check_memory(memory_class)


def filled(*pairs, **options):
    store = Scratchpad(**options).open()
    for key, value in pairs:
        store.write(key, value)
    return store


def test_the_oldest_entry_gives_way():
    store = filled(("a", "1"), ("b", "2"), ("c", "3"), max_entries=2)
    assert list(store.keys()) == ["b", "c"]
    assert store.read("a") is None


def test_overwriting_needs_no_room():
    store = filled(("a", "1"), ("b", "2"), ("a", "3"), max_entries=2)
    assert store.render() == "a: 3\nb: 2"


def test_an_overwritten_entry_that_grows_pushes_out_others_and_stays():
    store = filled(("a", "1"), ("b", "2"), ("a", "12345"), max_chars=6)
    assert list(store.keys()) == ["a"]
    assert store.read("a") == "12345"


def test_a_value_that_is_too_long_by_itself_is_cut():
    store = filled(("key", "0123456789"), max_chars=8)
    assert store.read("key") == "01234"


@pytest.mark.parametrize(
    ("max_chars", "shown"),
    [(100, "a: 1\nb: 2\nc: 3"), (14, "a: 1\nb: 2\nc: 3"), (13, "b: 2\nc: 3"), (4, "c: 3"), (2, "c:"), (0, "")],
)
def test_the_newest_entries_are_shown_when_it_must_be_cut(max_chars, shown):
    assert filled(("a", "1"), ("b", "2"), ("c", "3")).render(max_chars) == shown


@given(
    writes=st.lists(st.tuples(st.text(max_size=5), st.text(max_size=20)), max_size=20),
    max_entries=st.integers(1, 4),
    max_chars=st.integers(1, 30),
)
def test_limits_hold_and_the_last_write_is_there(writes, max_entries, max_chars):
    store = Scratchpad(max_entries=max_entries, max_chars=max_chars).open()
    for key, value in writes:
        store.write(key, value)
        keys = list(store.keys())
        assert len(keys) <= max_entries
        assert sum(len(k) + len(store.read(k)) for k in keys) <= max_chars
        assert value.startswith(store.read(key))


@pytest.mark.parametrize("options", [{"max_entries": 0}, {"max_chars": -1}])
def test_limits_below_one_are_refused(options):
    with pytest.raises(ConfigError, match="scratchpad"):
        Scratchpad(**options)
