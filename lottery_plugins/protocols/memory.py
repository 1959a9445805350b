"""Memory backends (M in the paper): what is written and read while a problem is solved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, Protocol, runtime_checkable

__all__ = ["MemoryBackend", "MemoryStore"]


@runtime_checkable
class MemoryStore(Protocol):
    """An opened memory. One coroutine uses it at a time."""

    def write(self, key: str, value: str) -> None:
        """Store a value; an existing key is overwritten and keeps its place in the order."""
        ...

    def read(self, key: str) -> str | None:
        """The value, or None when the key was never written."""
        ...

    def keys(self) -> Sequence[str]:
        """All keys in the order of first writing."""
        ...

    def render(self, max_chars: int | None = None) -> str:
        """The content as the model sees it; newest entries win when it must be cut. "" when empty."""
        ...


@runtime_checkable
class MemoryBackend(Protocol):
    """Opens memories. Options are dataclass fields; see `protocols.plugin`.

    Attributes:
        scope: "problem": a fresh memory per problem. "run": shared by all problems, so results depend on their order;
            it must be declared.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    scope: ClassVar[Literal["problem", "run"]]

    def open(self) -> MemoryStore:
        """A new, empty memory."""
        ...
