"""Calls written as ReAct lines, and the marks of a final answer."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from lottery_plugins.protocols.tool import ToolDescription
from lottery_plugins.reasoning.answers import tidy
from lottery_plugins.reasoning.tool_calls.arguments import between_brackets, named
from lottery_plugins.reasoning.tool_calls.found import MAX_TRIES, FoundCall, found, offered
from lottery_plugins.reasoning.tool_calls.marked import calls_at
from lottery_plugins.reasoning.tool_calls.syntax import brackets_at, value_at

__all__ = ["actions", "first_answer"]

_ACTION = re.compile(r"^[ \t*]*Action(?:[ \t]*\d+)?[ \t]*:[ \t*`]*(?:json\s*(?=[\[{]))?", re.IGNORECASE | re.MULTILINE)
_INPUT = re.compile(r"\s*^[ \t*]*Action Input(?:[ \t]*\d+)?[ \t]*:(?:\*\*)?[ \t]*", re.IGNORECASE | re.MULTILINE)
_NEXT_LINE = re.compile(r"^[ \t*]*(?:Observation|Thought|Action)\b", re.MULTILINE)
_OBJECT = re.compile(r"\s*(?:```(?:json)?)?\s*(?=\{)")
_OBJECT_ENDS = re.compile(r"[ \t`]*(?:\n|$)")
_FINISH = re.compile(r"\bFinish[ \t]*([\[(])", re.IGNORECASE)
_FINAL = re.compile(r"^[ \t*]*Final Answer[ \t]*:[ \t*]*(\S[^\n]*)", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_DECORATION = re.compile(r"[ \t`*]*")


def actions(text: str, tools: Sequence[ToolDescription]) -> Iterator[FoundCall]:
    """`Action: name[input]`, `Action: name(input)`, `Action: {...}`, and `Action: name` with `Action Input: ...`."""
    for action in itertools.islice(_ACTION.finditer(text), MAX_TRIES):
        at = action.end()
        if text[at : at + 1] in ("[", "{"):
            yield from calls_at(text, action.start(), at, tools)
            continue
        match = _NAME.match(text, at)
        if match is None or match.group().lower() == "finish":
            continue
        name, tool = match.group(), offered(match.group(), tools)
        at = _skipped(_DECORATION, text, match.end())
        if text[at : at + 1] in ("[", "("):
            content = brackets_at(text, at)
            arguments = between_brackets(content.source, tool, is_text=text[at] == "[")
            yield found(name, arguments, tools, action.start(), content.end)
            continue
        given = _INPUT.match(text, at)
        if given is None:
            yield found(name, {}, tools, action.start(), match.end())
            continue
        arguments, end = _input(text, given.end(), tool)
        yield found(name, arguments, tools, action.start(), end)


def _input(text: str, start: int, tool: ToolDescription | None) -> tuple[dict[str, object], int]:
    """The arguments of an "Action Input:": an object, or the text up to the next ReAct line."""
    at = _skipped(_OBJECT, text, start)
    value = value_at(text, at) if text[at : at + 1] == "{" else None
    if value is not None and isinstance(value[0], dict) and _OBJECT_ENDS.match(text, value[1]):
        return named(value[0], tool), value[1]
    after = _NEXT_LINE.search(text, start)
    end = after.start() if after else len(text)
    return between_brackets(text[start:end].strip(), tool, is_text=True), end


def first_answer(text: str) -> tuple[int, str] | None:
    """The first of `Finish[...]` and `Final Answer: ...`, with the index where its action or line starts."""
    finish, final = _FINISH.search(text), _FINAL.search(text)
    hits = [(finish.start(), brackets_at(text, finish.end() - 1).source)] if finish else []
    hits += [(final.start(), final.group(1))] if final else []
    if not hits:
        return None
    start, answer = min(hits)
    line = text.rfind("\n", 0, start) + 1
    is_action = _ACTION.fullmatch(text[line:start]) is not None  # "Action: Finish[x]" starts where its line does
    return line if is_action else start, tidy(answer).strip("'\"")


def _skipped(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else start
