"""A problem's memory as its reasoner and the model use it."""

from __future__ import annotations

from lottery_plugins.errors import ToolError
from lottery_plugins.protocols.memory import CommandStore, MemoryStore, SearchableStore
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.reasoning.tool_runs import as_text
from lottery_plugins.trajectory import ToolCall, ToolResult

__all__ = ["RECALL", "REMEMBER", "MemoryDesk"]

REMEMBER = ToolDescription("remember", "Keeps a note.", (Parameter("note", "string", "the note, as key: value"),))
RECALL = ToolDescription(
    "recall", "Gives a note back.", (Parameter("key", "string", "its key; nothing for all", False),)
)

NEAR_ENTRIES = 3
"""Entries that a memory which searches gives for a key that it does not have."""


class MemoryDesk:
    """One opened memory and the tools that come with it.

    Attributes:
        tools: `remember`, `recall` and the memory's own commands.
    """

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.tools = (REMEMBER, RECALL, *(store.commands if isinstance(store, CommandStore) else ()))

    def write(self, key: str, value: str) -> None:
        """Store a value."""
        self._store.write(key, value)

    def read(self, key: str | None) -> str:
        """The value of a key, or all that is kept; for an unknown key the nearest entries of a memory that searches."""
        if key is None:
            return self._store.render()
        value = self._store.read(key)
        if value is not None or not isinstance(self._store, SearchableStore):
            return value or ""
        return "\n".join(f"{name}: {text}" for name, text in self._store.find(key, NEAR_ENTRIES))

    def answer(self, call: ToolCall) -> ToolResult:
        """Answer a call of one of `tools`."""
        if call.tool == REMEMBER.name:
            key, _, value = as_text(call.arguments, "note").partition(":")
            self.write(key.strip(), value.strip() or key.strip())
            return ToolResult("Noted.")
        if call.tool == RECALL.name or not isinstance(self._store, CommandStore):
            return ToolResult(self.read(as_text(call.arguments, "key") or None) or "There is no such note.")
        try:
            return self._store.command(call.tool, call.arguments)
        except ToolError as error:
            return ToolResult(str(error), error=error.category)
