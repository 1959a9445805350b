"""`scratchpad`: keys and values, kept while one problem is worked on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from lottery_plugins.errors import ConfigError
from lottery_plugins.memory.rendering import newest_lines
from lottery_plugins.protocols.plugin import option

__all__ = ["Scratchpad", "ScratchpadStore"]


@dataclass(frozen=True)
class Scratchpad:
    """Intermediate results by key, empty at the start of each problem.

    A write that would exceed a limit first drops the oldest entries; a key and value that exceed `max_chars` by
    themselves are cut at their end. What was just written is therefore always there.

    Raises:
        ConfigError: If a limit is below 1.
    """

    name: ClassVar[str] = "scratchpad"
    summary: ClassVar[str] = "Remember intermediate results by key while one problem is worked on."
    scope: ClassVar[Literal["problem", "run"]] = "problem"

    max_entries: int = option(256, "most entries; the oldest give way", unit="entries", allowed="at least 1")
    max_chars: int = option(100_000, "most characters of keys and values", unit="characters", allowed="at least 1")

    def __post_init__(self) -> None:
        for name in ("max_entries", "max_chars"):
            if getattr(self, name) < 1:
                raise ConfigError(f"memory: scratchpad.{name}", getattr(self, name), "a whole number from 1")

    def open(self) -> ScratchpadStore:
        """A new, empty scratchpad."""
        return ScratchpadStore(self.max_entries, self.max_chars)


@dataclass(slots=True)
class ScratchpadStore:
    """One opened scratchpad; its limits are those of `Scratchpad`."""

    max_entries: int
    max_chars: int
    _entries: dict[str, str] = field(default_factory=dict)

    def write(self, key: str, value: str) -> None:
        """Store a value; an existing key keeps its place in the order. Drops the oldest entries to make room."""
        key = key[: self.max_chars]
        value = value[: self.max_chars - len(key)]
        self._entries[key] = value
        num_chars = sum(len(k) + len(v) for k, v in self._entries.items())
        for oldest in [k for k in self._entries if k != key]:
            if len(self._entries) <= self.max_entries and num_chars <= self.max_chars:
                break
            num_chars -= len(oldest) + len(self._entries.pop(oldest))

    def read(self, key: str) -> str | None:
        """The value, or None when the key was never written or has given way."""
        return self._entries.get(key[: self.max_chars])

    def keys(self) -> Sequence[str]:
        """All keys in the order of first writing."""
        return tuple(self._entries)

    def render(self, max_chars: int | None = None) -> str:
        """A line "key: value" per entry, in order; with a limit, the last entries that fit."""
        return newest_lines([f"{key}: {value}" for key, value in self._entries.items()], max_chars)
