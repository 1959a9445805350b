"""What every memory backend keeps.

from lottery_plugins.testing.contracts.memory import check_memory

def test_contract():
    check_memory(Scratchpad)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from lottery_plugins.protocols.memory import MemoryBackend, MemoryStore
from lottery_plugins.testing.contracts.plugin import check_plugin

__all__ = ["check_memory"]

_KEYS = st.sampled_from(("a", "b", "step 1", "", " padded ", "Łódź", "a\nb")) | st.text(max_size=10)
_VALUES = st.sampled_from(("", "42", "two\nlines", "key: value")) | st.text(max_size=40)


def check_memory(memory_class: type, *, options: Mapping[str, Any] | None = None) -> None:
    """Drive a memory at random and compare it with a dict.

    Args:
        memory_class: The class.
        options: The options to use; they must leave room for a hundred short entries.

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
    _check_fresh(backend)
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


def _check_fresh(backend: MemoryBackend) -> None:
    first = backend.open()
    assert isinstance(first, MemoryStore), "open gave something that is no MemoryStore"
    assert first.render() == "", f"a new memory shows {first.render()!r}, not ''"
    first.write("answer", "forty-two")
    assert "forty-two" in first.render(), f"the model would not see what was written: {first.render()!r}"
    second = backend.open()
    assert list(second.keys()) == [], f"a new memory knows the keys {list(second.keys())} of another one"


class _MemoryMachine(RuleBasedStateMachine):
    """Writes, reads and renders; `backend` is set by `check_memory`."""

    backend: MemoryBackend

    def __init__(self) -> None:
        super().__init__()
        self.store = self.backend.open()
        self.expected: dict[str, str] = {}

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

    @invariant()
    def agrees(self) -> None:
        """Keys come in the order of first writing, and every value is shown."""
        assert list(self.store.keys()) == list(self.expected), "keys are not in the order of first writing"
        shown = self.store.render()
        for key, value in self.expected.items():
            assert value in shown, f"the value {value!r} of {key!r} is not shown"
