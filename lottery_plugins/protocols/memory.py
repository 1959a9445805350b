"""Memory backends (M in the paper): what is written and read while a problem is solved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from lottery_plugins.protocols.tool import ToolDescription
from lottery_plugins.trajectory import ToolResult

__all__ = ["CommandStore", "MemoryBackend", "MemoryStore", "SearchableStore"]


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
class SearchableStore(MemoryStore, Protocol):
    """A memory that finds entries by meaning or words, where the exact key is not known."""

    def find(self, query: str, top_k: int) -> Sequence[tuple[str, str]]:
        """(key, value) of the entries nearest to any text, best first; at most top_k, at least 1."""
        ...


@runtime_checkable
class CommandStore(MemoryStore, Protocol):
    """A memory with commands of its own, which the model may call as tools.

    Attributes:
        commands: What the model is told of them; the same for each opened memory.
    """

    commands: tuple[ToolDescription, ...]

    def command(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Answer one call of a command.

        Raises:
            ToolError: The call can't be answered; becomes an observation.
        """
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
