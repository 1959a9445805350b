"""Tools (C in the paper): functions from text to text that the model may call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from lottery_plugins.trajectory import ToolResult

__all__ = ["Parameter", "Tool", "ToolDescription", "ToolSet"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a tool.

    Attributes:
        name: As the model writes it.
        type: JSON schema type: "string", "number", "integer", "boolean", "array", "object".
        description: One phrase for the prompt.
        required: Whether the call fails without it.
        schema: The argument's JSON schema where `type` alone does not say it (items, enum); it replaces `type`.
    """

    name: str
    type: str
    description: str
    required: bool = True
    schema: Mapping[str, Any] | None = None

    def to_schema(self) -> dict[str, Any]:
        """The argument's JSON schema."""
        return {"type": self.type, "description": self.description} | dict(self.schema or {})


@dataclass(frozen=True, slots=True)
class ToolDescription:
    """What the model is told about a tool."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]

    def to_schema(self) -> dict[str, Any]:
        """The function-calling JSON schema that chat templates take."""
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": {
                    "type": "object",
                    "properties": {p.name: p.to_schema() for p in self.parameters},
                    "required": [p.name for p in self.parameters if p.required],
                },
            },
        }


@runtime_checkable
class Tool(Protocol):
    """A callable the model may use. Options are dataclass fields; see `protocols.plugin`.

    `call` must be free of state between calls and safe to run in any thread. A run takes the tool, pickled, to worker
    processes: a call that is not answered within `tool_timeout_s`, or whose process dies, is told to the model as such.
    """

    name: ClassVar[str]
    summary: ClassVar[str]

    @property
    def description(self) -> ToolDescription:
        """What the model is told; the first parameter takes the text when a model writes a bare argument."""
        ...

    def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Answer one call.

        Args:
            arguments: By parameter name, written by a model: any key may be missing, of the wrong type, or unknown.

        Raises:
            ToolError: The call can't be answered; becomes an observation. Any other exception fails the problem.
        """
        ...


@runtime_checkable
class ToolSet(Protocol):
    """Several tools under one plugin name. Options are dataclass fields; see `protocols.plugin`.

    Attributes:
        scope: "run": opened once; its tools are used like any other, in worker processes. "problem": opened afresh for
            each problem; its tools may keep state between the calls of that problem, and run in threads.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    scope: ClassVar[Literal["run", "problem"]]

    def open(self) -> Sequence[Tool]:
        """The tools, with the same descriptions at each opening.

        Raises:
            LotteryError: What they stand on can't be reached.
        """
        ...
