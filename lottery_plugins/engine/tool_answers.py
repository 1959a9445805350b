"""What a worker process may say of a call, and what the model is told of its faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lottery_plugins.engine.tool_process import ProcessEndedError
from lottery_plugins.errors import PluginError, ToolError
from lottery_plugins.trajectory import ToolResult

__all__ = ["checked_result", "failure"]


def failure(name: str, problem: str, hint: str, category: str) -> ToolResult:
    """A fault as the model sees it."""
    return ToolResult(str(ToolError(name, problem, hint)), error=category)


def checked_result(name: str, arguments: Mapping[str, Any], answer: Mapping[str, Any]) -> ToolResult:
    """What a worker said, checked: what a model wrote may have run there.

    Raises:
        PluginError: The tool raised something other than ToolError, or returned no result.
        ProcessEndedError: No worker of ours says this.
    """
    match answer:
        case {"raised": str(told)}:
            raise PluginError(f"tool {name!r}", f"answering {str(dict(arguments))[:500]}", told)
        case {"broken": str(told)}:
            raise PluginError(f"tool {name!r}", "answering", told)
        case {"too_long": True}:
            return failure(name, "the answer is too long to be shown", "Ask for less.", "limit")
        case {"text": str(text), "error": str() | None as error, "ran_in": str(ran_in)}:
            return ToolResult(text, error=error, ran_in=ran_in)
    raise ProcessEndedError("it wrote what is no answer")
