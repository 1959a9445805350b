"""What every memory backend keeps.

from lottery_plugins.testing.contracts.memory import check_memory

def test_contract():
    check_memory(Scratchpad)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from lottery_plugins.errors import ToolError
from lottery_plugins.protocols.memory import CommandStore, MemoryBackend, MemoryStore, SearchableStore
from lottery_plugins.protocols.tool import ToolDescription
from lottery_plugins.testing.contracts.plugin import check_plugin
from lottery_plugins.trajectory import ToolResult

__all__ = ["check_memory"]

_KEYS = st.sampled_from(("a", "b", "step 1", "", " padded ", "Łódź", "a\nb", "7")) | st.text(max_size=10)
_VALUES = st.sampled_from(("", "42", "two\nlines", "key: value")) | st.text(max_size=40)
_ARGUMENTS = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=60) | st.lists(st.text(max_size=5), max_size=2)
)


def check_memory(memory_class: type, *, options: Mapping[str, Any] | None = None, keeps: bool = False) -> None:
    """Drive a memory at random and compare it with a dict.

    - It is a plugin that declares its scope; a new memory is empty, and what is written is read and shown.
    - One that searches (`SearchableStore`) finds entries that it holds, at most as many as asked for, none twice.
    - One with commands (`CommandStore`) answers any arguments with a result or a `ToolError`, and stays usable.

    Args:
        memory_class: The class.
        options: The options to use; they must leave room for a hundred short entries.
        keeps: Whether these options make it keep its entries from one `open` to the next, which scope "run" alone may.

    Raises:
        AssertionError: With what is wrong.
    """
    options = dict(options or {})
    check_plugin(memory_class, **options)
    backend = memory_class(**options)
    assert isinstance(backend, MemoryBackend), (
        f"{memory_class.__name__} lacks a member of protocols.memory.MemoryBackend"
    )
    assert backend.scope in ("problem", "run"), f"scope is {backend.scope!r}; allowed are 'problem' and 'run'"
    assert not keeps or backend.scope == "run", "a memory of scope 'problem' keeps nothing from one problem to the next"
    first = backend.open()
    assert isinstance(first, MemoryStore), "open gave something that is no MemoryStore"
    _check_opening(backend, first, keeps=keeps)
    if isinstance(first, CommandStore):
        _check_commands(backend)
    machine = type("MemoryMachine", (_MemoryMachine,), {"backend": backend})
    run_state_machine_as_test(
        machine,
        settings=settings(
            deadline=None,
            stateful_step_count=30,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        ),
    )


def _check_opening(backend: MemoryBackend, first: MemoryStore, *, keeps: bool) -> None:
    assert first.render() == "", f"a new memory shows {first.render()!r}, not ''"
    if isinstance(first, SearchableStore):
        assert list(first.find("anything", 3)) == [], "a new memory finds something"
    first.write("answer", "forty-two")
    assert "forty-two" in first.render(), f"the model would not see what was written: {first.render()!r}"
    known = list(backend.open().keys())
    if keeps:
        assert known == ["answer"], f"opened again it knows the keys {known}, not those that were written"
    else:
        assert known == [], f"a new memory knows the keys {known} of another one"


class _MemoryMachine(RuleBasedStateMachine):
    """Writes, reads, searches and renders; `backend` is set by `check_memory`."""

    backend: MemoryBackend

    def __init__(self) -> None:
        super().__init__()
        self.store = self.backend.open()
        self.expected: dict[str, str] = {key: self.store.read(key) or "" for key in self.store.keys()}  # noqa: SIM118

    @rule(key=_KEYS, value=_VALUES)
    def write(self, key: str, value: str) -> None:
        """What is written is read, also when the key was there."""
        self.store.write(key, value)
        self.expected[key] = value
        assert self.store.read(key) == value, f"read {self.store.read(key)!r} after writing {value!r} to {key!r}"

    @rule(key=_KEYS)
    def read(self, key: str) -> None:
        """Any key reads as in the dict, unknown ones as None."""
        got = self.store.read(key)
        assert got == self.expected.get(key), f"{key!r} reads {got!r}, wanted {self.expected.get(key)!r}"

    @rule(max_chars=st.integers(0, 200))
    def render_cut(self, max_chars: int) -> None:
        """A limit is kept, and what fits is not cut."""
        shown, whole = self.store.render(max_chars), self.store.render()
        assert len(shown) <= max_chars, f"{len(shown)} characters for max_chars={max_chars}"
        assert shown == whole or len(whole) > max_chars, f"cut to {shown!r}, though {whole!r} fits {max_chars}"

    @rule(query=_KEYS | _VALUES, top_k=st.integers(1, 5))
    def find(self, query: str, top_k: int) -> None:
        """What is found is there, once, and the same each time."""
        if not isinstance(self.store, SearchableStore):
            return  # nothing to search: the other rules are all there is to keep
        found = [tuple(pair) for pair in self.store.find(query, top_k)]
        assert len(found) <= top_k, f"find gave {len(found)} entries for top_k={top_k}"
        keys = [key for key, _ in found]
        assert len(set(keys)) == len(keys), f"find gave an entry twice: {keys}"
        for key, value in found:
            known = self.expected.get(key)
            assert value == known, f"find gave {value!r} for {key!r}, which holds {known!r}"
        assert found == [tuple(pair) for pair in self.store.find(query, top_k)], "the same search found something else"

    @rule()
    def find_what_was_written(self) -> None:
        """A search for the very words of an entry finds something."""
        words = [value for value in self.expected.values() if value == "42"]
        if isinstance(self.store, SearchableStore) and words:
            assert list(self.store.find("42", 1)), "a search for '42' finds nothing, though an entry is '42'"

    @invariant()
    def agrees(self) -> None:
        """Keys come in the order of first writing, and every value is shown."""
        assert list(self.store.keys()) == list(self.expected), "keys are not in the order of first writing"
        shown = self.store.render()
        for key, value in self.expected.items():
            assert value in shown, f"the value {value!r} of {key!r} is not shown"


def _check_commands(backend: MemoryBackend) -> None:
    """Call the commands with whatever a model may write."""
    opened = backend.open()
    assert isinstance(opened, CommandStore), "one opened memory has commands and another one has none"
    described = opened.commands
    assert all(isinstance(d, ToolDescription) for d in described), "commands are no ToolDescriptions"
    names = [d.name for d in described]
    assert len(set(names)) == len(names), f"two commands have one name: {names}"
    assert described, "commands is empty"
    parameters = sorted({p.name for d in described for p in d.parameters} | {"unknown"})

    @settings(deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        calls=st.lists(
            st.tuples(st.sampled_from(names), st.dictionaries(st.sampled_from(parameters), _ARGUMENTS, max_size=3)),
            max_size=4,
        )
    )
    def answers_anything(calls: list[tuple[str, dict[str, Any]]]) -> None:
        store, again = backend.open(), backend.open()
        assert isinstance(store, CommandStore)
        assert isinstance(again, CommandStore)
        assert store.commands == described, "the commands of two opened memories differ"
        for name, arguments in calls:
            before = dict(arguments)
            answer = _answer(store, name, arguments)
            assert arguments == before, f"{name} changed its arguments"
            if backend.scope == "problem":
                assert answer == _answer(again, name, arguments), f"{name} answered {arguments!r} in two ways"
        store.write("after", "all")
        assert store.read("after") == "all", "after its commands the memory can't be written"

    answers_anything()


def _answer(store: CommandStore, name: str, arguments: dict[str, Any]) -> tuple[str, str | None]:
    try:
        result = store.command(name, arguments)
    except ToolError as error:
        return str(error), error.category
    assert isinstance(result, ToolResult), f"{name} gave {type(result).__name__}, not a ToolResult"
    assert isinstance(result.text, str), f"{name} gave the text {result.text!r}"
    return result.text, result.error
