"""Memories in LangChain and LangGraph stores."""

import pytest

pytest.importorskip("langchain_core")

import langchain_entries
from langchain_core.stores import InMemoryByteStore, InMemoryStore
from lottery_langchain import LangChainMemory, NamedStore

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.protocols.memory import MemoryBackend, SearchableStore
from lottery_plugins.testing.contracts.memory import check_memory


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"entry": "langchain_entries.BYTES", "as_bytes": True},
        {"entry": "langchain_entries.searchable_store", "scope": "run"},
    ],
    ids=lambda options: "-".join(map(str, options.values())) or "default",
)
def test_a_memory_in_a_store_keeps_the_contract_of_memories(options):
    if "searchable" in options.get("entry", ""):
        pytest.importorskip("langgraph.store.base")
    check_memory(NamedStore, options=options)


def test_the_scope_is_what_the_user_declares():
    assert isinstance(NamedStore(), MemoryBackend)
    assert NamedStore().scope == "problem"
    assert NamedStore(scope="run").scope == "run"


def test_problems_that_share_a_store_do_not_share_a_memory():
    store = InMemoryStore()
    first, second = LangChainMemory(store).open(), LangChainMemory(store).open()
    first.write("a", "1")
    second.write("a", "2")
    assert (first.read("a"), second.read("a")) == ("1", "2")


def test_a_fixed_namespace_is_found_again_in_its_order():
    store = InMemoryByteStore()
    backend = LangChainMemory(store, scope="run", namespace="notes", as_bytes=True)
    first = backend.open()
    for i in range(12):
        first.write(f"key {i}", f"value {i}")
    first.write("key 3", "new")
    again = backend.open()
    assert list(again.keys()) == [f"key {i}" for i in range(12)]
    again.write("last", "x")
    assert again.read("key 3") == "new"
    assert list(backend.open().keys())[-1] == "last"


def test_a_fixed_namespace_of_a_langgraph_store_is_read_page_by_page():
    pytest.importorskip("langgraph.store.base")
    backend = LangChainMemory(langchain_entries.langgraph_store(), scope="run", namespace="notes")
    first = backend.open()
    for i in range(250):
        first.write(f"key {i}", "x")
    assert list(backend.open().keys()) == [f"key {i}" for i in range(250)]


def test_a_langgraph_store_with_an_index_finds_the_nearest_entries():
    pytest.importorskip("langgraph.store.base")
    memory = LangChainMemory(langchain_entries.searchable_store).open()
    memory.write("bird", "heron heron")
    memory.write("stone", "brick brick")
    assert isinstance(memory, SearchableStore)
    assert memory.find("brick", 1) == [("stone", "brick brick")]
    assert memory.find(" ", 3) == []


def test_a_store_without_an_index_does_not_claim_to_search():
    pytest.importorskip("langgraph.store.base")
    assert not isinstance(LangChainMemory(langchain_entries.langgraph_store).open(), SearchableStore)
    assert not isinstance(NamedStore().open(), SearchableStore)


def test_a_value_that_the_store_has_lost_reads_as_never_written():
    store = InMemoryStore()
    memory = LangChainMemory(store).open()
    memory.write("a", "1")
    store.mdelete(list(store.yield_keys()))
    assert memory.read("a") is None


def test_a_namespace_with_other_things_in_it_is_an_error():
    store = InMemoryStore()
    store.mset([("lottery/notes/00000001", "not ours")])
    with pytest.raises(DataError, match="Choose another namespace"):
        LangChainMemory(store, scope="run", namespace="notes").open()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"scope": "task"}, "one of problem, run"),
        ({"namespace": "notes"}, "none with scope=problem"),
        ({"namespace": "../x", "scope": "run"}, "letters, digits"),
        ({"entry": "no path"}, "an import path"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, reason):
    with pytest.raises(ConfigError, match=reason):
        NamedStore(**options)


def test_what_is_no_store_is_refused():
    with pytest.raises(ConfigError, match=r"langgraph\.store\.base\.BaseStore"):
        NamedStore("langchain_entries:weather.name").open()
