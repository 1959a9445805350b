"""Calls written as JSON, the way function-calling interfaces have them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lottery_plugins.protocols.tool import ToolDescription
from lottery_plugins.reasoning.tool_calls.arguments import named
from lottery_plugins.reasoning.tool_calls.found import MAX_TRIES, FoundCall, found, offered
from lottery_plugins.reasoning.tool_calls.syntax import decoded, value_at

__all__ = ["calls_in_value", "json_calls"]

MAX_FAILURES = 16
"""Brackets that start no value, beyond which only strict JSON is looked for."""

_START = re.compile(r"[\[{]")
_NAME_KEYS = ("name", "tool", "tool_name", "function", "action")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "action_input", "tool_input", "kwargs")


def json_calls(text: str, tools: Sequence[ToolDescription]) -> Iterator[FoundCall]:
    """JSON objects and lists of objects with a tool's name and arguments, anywhere, fenced or not."""
    end = failures = 0
    for match in itertools.islice(_START.finditer(text), 4 * MAX_TRIES):
        if match.start() < end:
            continue
        value = value_at(text, match.start()) if failures < MAX_FAILURES else decoded(text, match.start())
        failures += value is None
        calls = calls_in_value(value[0], tools, match.start(), value[1]) if value is not None else []
        if value is not None and calls:
            end = value[1]
            yield from calls


def calls_in_value(value: object, tools: Sequence[ToolDescription], start: int, end: int) -> list[FoundCall]:
    """The call that a decoded object is, or the calls in a list of them."""
    items = value if isinstance(value, list) else [value]
    pairs = [_name_and_arguments(item, tools) for item in items if isinstance(item, Mapping)]
    return [
        found(name, named(given, offered(name, tools)), tools, start, end)
        for name, given in (pair for pair in pairs if pair is not None)
    ]


def _name_and_arguments(value: Mapping[str, Any], tools: Sequence[ToolDescription]) -> tuple[str, Any] | None:
    """What one object calls and with what; None when it is no call."""
    if isinstance(value.get("function"), dict):
        value = value["function"]
    key = next((key for key in _NAME_KEYS if isinstance(value.get(key), str)), None)
    if key is None:
        return _name_as_key(value, tools)
    name = value[key]
    given = next((value[k] for k in _ARGUMENT_KEYS if k in value), None)
    tool = offered(name, tools)
    if given is None and tool is not None:
        names = {parameter.name for parameter in tool.parameters}
        given = {k: v for k, v in value.items() if k != key and k in names}  # {"tool": "f", "a": 1}
    if given is None or _is_schema(given, tool):
        return None
    return name, given


def _name_as_key(value: Mapping[str, Any], tools: Sequence[ToolDescription]) -> tuple[str, Any] | None:
    """`{"f": {"a": 1}}`, when a tool has exactly that name."""
    if len(value) != 1:
        return None
    name, given = next(iter(value.items()))
    is_call = isinstance(given, dict) and any(tool.name == name for tool in tools)
    return (name, given) if is_call else None


def _is_schema(given: object, tool: ToolDescription | None) -> bool:
    """Whether these are no arguments but the description of a tool, which models like to repeat."""
    own = {parameter.name for parameter in tool.parameters} if tool is not None else set()
    return isinstance(given, dict) and isinstance(given.get("properties"), dict) and "properties" not in own
