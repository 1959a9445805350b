"""What a model says that it needs, read line by line. Pure functions; any text is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lottery_plugins.protocols.tool import ToolDescription
from lottery_plugins.reasoners.schedules import list_items
from lottery_plugins.reasoning.tool_calls import parse_tool_call
from lottery_plugins.trajectory import ToolCall

__all__ = ["Request", "parse_requests"]

_NOTHING = re.compile(r"\W*(?:none|nothing|no requests?|n/a|no)\b[^\w\[(]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """Something that has to be looked up or computed.

    Attributes:
        text: As the model wrote it.
        call: The call of a tool that it is; None when no tool is named: one must be found for it.
    """

    text: str
    call: ToolCall | None = None


def parse_requests(text: str, tools: Sequence[ToolDescription], *, max_requests: int) -> tuple[Request, ...]:
    """The requests in a model's text: a call in any of the formats models write, or a request a line.

    Args:
        text: Anything. A line that says "none" ends the list.
        tools: Those that may be called by name.
        max_requests: Requests beyond this many are left out.
    """
    known = {tool.name for tool in tools}
    if text.lstrip()[:1] in ("{", "[", "<", "`"):
        call = parse_tool_call(text, tools)
        if call is not None and call.tool in known:
            return (Request(_shown(call), call),)[:max_requests]
    found: dict[str, Request] = {}
    for line in _until_nothing(list_items(text)):
        call = parse_tool_call(line, tools)
        is_known = call is not None and call.tool in known
        request = Request(_shown(call), call) if call is not None and is_known else Request(line)
        found.setdefault(request.text, request)
    return tuple(found.values())[:max_requests]


def _until_nothing(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        if _NOTHING.match(line):
            return
        yield line


def _shown(call: ToolCall) -> str:
    """A call in short: "calculator[2 + 3]"."""
    return f"{call.tool}[{', '.join(str(value) for value in call.arguments.values())}]"
