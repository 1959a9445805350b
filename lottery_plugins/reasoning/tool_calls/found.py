"""A call that was found in a text, and the tool that it means."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.protocols.tool import ToolDescription
from lottery_plugins.reasoning.tool_calls.arguments import coerced
from lottery_plugins.trajectory import ToolCall

__all__ = ["MAX_TRIES", "FoundCall", "found", "offered"]

MAX_TRIES = 64
"""Most places of one text where each format is looked for: parsing stays fast for any text."""

_AFFIXES = re.compile(r"^(?:functions?|tools|default_api)[.:]|(?:\.call|:\d+)$")
"""What chat templates write around a name: `functions.f`, `f.call`, `f:0`."""


@dataclass(frozen=True, slots=True)
class FoundCall:
    """A tool call and where it stands.

    Attributes:
        call: The tool by its own spelling, where it is offered, and the arguments by parameter name.
        start: Index of its first character, that of the marker before it included.
        end: Index behind its last one.
    """

    call: ToolCall
    start: int
    end: int


def found(name: str, arguments: Mapping[str, Any], tools: Sequence[ToolDescription], start: int, end: int) -> FoundCall:
    """The call of a tool by this name, offered or not; arguments take the types that the tool wants."""
    tool = offered(name, tools)
    call = ToolCall(name, dict(arguments)) if tool is None else ToolCall(tool.name, coerced(arguments, tool))
    return FoundCall(call, start, end)


def offered(name: str, tools: Sequence[ToolDescription]) -> ToolDescription | None:
    """The tool of that name, or the only one that differs by upper case, `_-. ` or what templates write around it."""
    exact = next((tool for tool in tools if tool.name == name), None)
    if exact is not None:
        return exact
    for word in (name, _AFFIXES.sub("", name)):
        near = [tool for tool in tools if _plain(tool.name) == _plain(word)]
        if len(near) == 1:
            return near[0]
    return None


def _plain(word: str) -> str:
    return re.sub(r"[_. -]", "-", word.lower()).strip("-")
