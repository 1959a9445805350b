"""What a whole reply asks for: the calls in it, or the final answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lottery_plugins.protocols.tool import ToolDescription
from lottery_plugins.reasoning.tool_calls.found import FoundCall, offered
from lottery_plugins.reasoning.tool_calls.json_calls import json_calls
from lottery_plugins.reasoning.tool_calls.marked import marked_calls
from lottery_plugins.reasoning.tool_calls.python_calls import python_calls
from lottery_plugins.reasoning.tool_calls.react import actions, first_answer
from lottery_plugins.trajectory import ToolCall

__all__ = ["Reply", "parse_reply", "parse_tool_call", "parse_tool_calls"]

MAX_CHARS = 20_000
"""What a model wrote beyond this is not looked at: parsing stays fast for any text."""

_Finder = Callable[[str, Sequence[ToolDescription]], Iterator[FoundCall]]
_TIERS: tuple[tuple[_Finder, ...], ...] = ((marked_calls, actions), (json_calls,), (python_calls,))
"""From what can only be a call to what may be talk about one."""

_INVENTED = re.compile(r"^[ \t*]*Observation(?:[ \t]*\d+)?[ \t]*:|<tool_response>", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model's text asks for: a tool call, the end with an answer, or neither (both None)."""

    call: ToolCall | None = None
    answer: str | None = None


def parse_tool_calls(
    text: str, tools: Sequence[ToolDescription], *, only_offered: bool = True
) -> tuple[FoundCall, ...]:
    """All calls that a text makes, in its order.

    When some stand behind a marker or on an "Action:" line, the others are talk and are left out; likewise Python-like
    ones beside JSON. What follows an observation that the model made up itself is left out, too.

    Args:
        text: What a model wrote.
        tools: What it may call.
        only_offered: Whether calls of other tools are left out; a bare Python-like call counts only when its tool is
            offered.
    """
    text = text[:MAX_CHARS]
    for finders in _TIERS:
        hits = [hit for finder in finders for hit in finder(text, tools)]
        kept = [hit for hit in hits if not only_offered or offered(hit.call.tool, tools) is not None]
        if kept:
            return _before_observation(_without_overlaps(kept), text)
    return ()


def parse_tool_call(text: str, tools: Sequence[ToolDescription]) -> ToolCall | None:
    """The first tool call in a text that does not end with an answer before it; None when there is none."""
    return parse_reply(text, tools).call


def parse_reply(text: str, tools: Sequence[ToolDescription]) -> Reply:
    """What comes first in the text: a tool call or a final answer.

    A tool that is named by a marker, by JSON or by an "Action:" line may be unknown: the caller then tells the model
    so. A bare argument goes to the tool's first parameter.
    """
    text = text[:MAX_CHARS]
    answer = first_answer(text)
    found = [] if answer is None else [(answer[0], Reply(answer=answer[1]))]
    for finder in (finder for finders in _TIERS for finder in finders):
        first = next(finder(text, tools), None)
        if first is not None:
            found.append((first.start, Reply(first.call)))
    return min(found, key=lambda hit: hit[0])[1] if found else Reply()


def _without_overlaps(hits: Sequence[FoundCall]) -> list[FoundCall]:
    """The hits in the order of the text; of two that overlap, the one that starts first. Calls of one list don't."""
    kept: list[FoundCall] = []
    for hit in sorted(hits, key=lambda hit: hit.start):
        same = bool(kept) and (hit.start, hit.end) == (kept[-1].start, kept[-1].end)
        if not kept or hit.start >= kept[-1].end or same:
            kept.append(hit)
    return kept


def _before_observation(hits: Sequence[FoundCall], text: str) -> tuple[FoundCall, ...]:
    invented = _INVENTED.search(text, hits[0].end)
    return tuple(hit for hit in hits if invented is None or hit.start < invented.start())
