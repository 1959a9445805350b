"""Calls behind the markers of chat templates: tags and special tokens that say "here is a call"."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from lottery_plugins.protocols.tool import ToolDescription
from lottery_plugins.reasoning.tool_calls.arguments import named
from lottery_plugins.reasoning.tool_calls.found import MAX_TRIES, FoundCall, found, offered
from lottery_plugins.reasoning.tool_calls.json_calls import calls_in_value
from lottery_plugins.reasoning.tool_calls.python_calls import python_call_at
from lottery_plugins.reasoning.tool_calls.syntax import value_at

__all__ = ["calls_at", "marked_calls"]

_OPENED = re.compile(
    r"<\|?(?:tool_calls?|function_?calls?|tool|tool_calls?_(?:start|begin)|python_tag)\|?>|\[TOOL_CALLS\]",
    re.IGNORECASE,
)
"""Hermes and Qwen `<tool_call>`, Granite `<|tool_call|>`, LFM2 `<|tool_call_start|>`, Llama 3 `<|python_tag|>`, Mistral
`[TOOL_CALLS]`: calls as JSON or as Python follow."""
_CLOSED = re.compile(r"</|<\|")

_WORD = r"([A-Za-z_][\w.:/-]*)"
_NAMED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"<(?:function|invoke)(?:=|[ \t]+name=)[\"']?{_WORD}[\"']?>",  # Llama 3.1, Qwen3-Coder, Claude
        rf"\[TOOL_CALLS\][ \t]*{_WORD}(?:\[CALL_ID\]\w+)?(?:\[ARGS\])?(?=[ \t]*\{{)",  # Mistral since v11
        rf"\bto=functions\.{_WORD}[^\n{{]{{0,80}}<\|message\|>",  # gpt-oss
        rf"<\uff5ctool\u2581sep\uff5c>{_WORD}\s*(?:```(?:json)?)?",  # DeepSeek
        rf"<\|tool_call_begin\|>\s*{_WORD}\s*<\|tool_call_argument_begin\|>",  # Kimi
    )
)
"""A name and, behind it, its arguments as one object or as `<parameter=...>` elements."""

_PARAMETER = re.compile(
    r"\s*<parameter(?:=|[ \t]+name=)[\"']?([\w.-]+)[\"']?>\n?(.*?)\n?</parameter>", re.IGNORECASE | re.DOTALL
)
_BETWEEN = re.compile(r"[\s,;]*")
_FENCE = re.compile(r"\s*(?:```\w*\s*)?")


def marked_calls(text: str, tools: Sequence[ToolDescription]) -> Iterator[FoundCall]:
    """All calls behind markers, in the order of the text."""
    hits: list[FoundCall] = []
    for marker in itertools.islice(_OPENED.finditer(text), MAX_TRIES):
        hits += calls_at(text, marker.start(), marker.end(), tools)
    for pattern in _NAMED:
        for marker in itertools.islice(pattern.finditer(text), MAX_TRIES):
            name = marker.group(1)
            arguments, end = _arguments_at(text, marker.end(), offered(name, tools))
            hits.append(found(name, arguments, tools, marker.start(), end))
    yield from sorted(hits, key=lambda hit: hit.start)


def calls_at(text: str, start: int, at: int, tools: Sequence[ToolDescription]) -> list[FoundCall]:
    """The calls that follow one another from `at` on: JSON objects or lists, or Python calls, in a list or not.

    Args:
        text: The text.
        start: Where the marker stands that they follow; the first call starts there.
        at: Behind the marker.
        tools: What is offered.
    """
    fence = _FENCE.match(text, at)
    at = fence.end() if fence else at
    closed = _CLOSED.search(text, at)
    calls: list[FoundCall] = []
    for _ in range(MAX_TRIES):
        first = start if not calls else at
        more: list[FoundCall] = []
        value = value_at(text, at, closed.start() if closed else None) if text[at : at + 1] in ("[", "{") else None
        if value is not None:
            more, at = calls_in_value(value[0], tools, first, value[1]), value[1]
        else:
            inside = at + 1 if text[at : at + 1] == "[" else at
            call = python_call_at(text, inside, tools)
            if call is not None:
                more, at = [FoundCall(call.call, first, call.end)], call.end
        if not more:
            return calls
        calls += more
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
    return calls


def _arguments_at(text: str, at: int, tool: ToolDescription | None) -> tuple[dict[str, Any], int]:
    """The object or the `<parameter=...>` elements that stand here; {} when there are none."""
    fence = _FENCE.match(text, at)
    start = fence.end() if fence else at
    value = value_at(text, start) if text[start : start + 1] == "{" else None
    if value is not None and isinstance(value[0], dict):
        return named(value[0], tool), value[1]
    arguments: dict[str, Any] = {}
    kinds = {p.name: p.type for p in tool.parameters} if tool is not None else {}
    while (element := _PARAMETER.match(text, at)) is not None:
        arguments[element.group(1)] = _typed(element.group(2), kinds.get(element.group(1), ""))
        at = element.end()
    return arguments, at


def _typed(text: str, kind: str) -> Any:
    """The value of an element, which has no quotes: text for a parameter that takes text, else JSON if it can be."""
    if kind == "string":
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
