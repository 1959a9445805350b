"""Read the tool call, or the final answer, out of what a model really writes.

One parser for all habits: JSON function calls, `<tool_call>` tags, ReAct lines, Python-like calls. Nothing is ever
evaluated: Python arguments are read from the syntax tree, literals only. Never raises, whatever the text.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.protocols.tool import ToolDescription
from lottery_plugins.reasoning.answers import tidy
from lottery_plugins.trajectory import ToolCall

__all__ = ["Reply", "parse_reply", "parse_tool_call"]

MAX_CHARS = 20_000
"""What a model wrote beyond this is not looked at: parsing stays fast for any text."""

_TAG = re.compile(r"<(?:tool_call|function_call|tool)>\s*(?=[\[{])", re.IGNORECASE)
_ACTION = re.compile(r"^[ \t*]*Action(?:[ \t]*\d+)?[ \t]*:[ \t*`]*", re.IGNORECASE | re.MULTILINE)
_INPUT = re.compile(r"\s*^[ \t*]*Action Input(?:[ \t]*\d+)?[ \t]*:(?:\*\*)?[ \t]*", re.IGNORECASE | re.MULTILINE)
_FINISH = re.compile(r"\bFinish[ \t]*([\[(])", re.IGNORECASE)
_FINAL = re.compile(r"^[ \t*]*Final Answer[ \t]*:[ \t*]*(\S[^\n]*)", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_BRACKETS = {"[": "]", "(": ")"}
_NAME_KEYS = ("name", "tool", "tool_name", "function", "action")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "action_input", "tool_input", "kwargs")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model's text asks for: a tool call, the end with an answer, or neither (both None)."""

    call: ToolCall | None = None
    answer: str | None = None


def parse_tool_call(text: str, tools: Sequence[ToolDescription]) -> ToolCall | None:
    """The first tool call in a text that does not end with an answer before it; None when there is none."""
    return parse_reply(text, tools).call


def parse_reply(text: str, tools: Sequence[ToolDescription]) -> Reply:
    """What comes first in the text: a tool call or a final answer.

    A tool that is named by a tag, by JSON or by an "Action:" line may be unknown: the caller then tells the model so.
    A bare Python-like call counts only when its tool is known. A bare argument goes to the tool's first parameter.
    """
    text = text[:MAX_CHARS]
    found: list[tuple[int, Reply]] = []
    for finder in (_answers, _tagged, _actions, _json_calls, _python_calls):
        first = next(finder(text, tools), None)
        if first is not None:
            found.append(first)
    return min(found, key=lambda hit: hit[0])[1] if found else Reply()


def _answers(text: str, tools: Sequence[ToolDescription]) -> Iterator[tuple[int, Reply]]:
    """`Finish[...]` and `Final Answer: ...`, the earlier one."""
    finish, final = _FINISH.search(text), _FINAL.search(text)
    hits = [(finish.start(), _bracketed(text, finish.end() - 1))] if finish else []
    hits += [(final.start(), final.group(1))] if final else []
    for start, answer in sorted(hits):
        line = text.rfind("\n", 0, start) + 1
        is_action = _ACTION.fullmatch(text[line:start]) is not None  # "Action: Finish[x]" starts where its line does
        yield line if is_action else start, Reply(answer=tidy(answer).strip("'\""))


def _tagged(text: str, tools: Sequence[ToolDescription]) -> Iterator[tuple[int, Reply]]:
    """`<tool_call>{...}</tool_call>`, closed or not."""
    for tag in _TAG.finditer(text):
        call = _from_json(text, tag.end(), tools)
        if call is not None:
            yield tag.start(), Reply(call)


def _json_calls(text: str, tools: Sequence[ToolDescription]) -> Iterator[tuple[int, Reply]]:
    """A JSON object with a tool's name and arguments, anywhere."""
    for match in list(re.finditer(r"[\[{]", text))[:50]:
        call = _from_json(text, match.start(), tools)
        if call is not None:
            yield match.start(), Reply(call)


def _actions(text: str, tools: Sequence[ToolDescription]) -> Iterator[tuple[int, Reply]]:
    """`Action: name[input]`, `Action: name(input)`, `Action: {...}`, and `Action: name` with `Action Input: ...`."""
    for action in _ACTION.finditer(text):
        at = action.end()
        if at < len(text) and text[at] in "[{":
            call = _from_json(text, at, tools)
            if call is not None:
                yield action.start(), Reply(call)
            continue
        name = _NAME.match(text, at)
        if name is None or name.group().lower() == "finish":
            continue
        at = name.end() + len(text[name.end() :]) - len(text[name.end() :].lstrip(" \t`*"))
        if at < len(text) and text[at] in _BRACKETS:
            arguments = _arguments(_bracketed(text, at), name.group(), tools)
        else:
            given = _INPUT.match(text, at)
            arguments = _arguments(_input_text(text, given.end()) if given else "", name.group(), tools)
        yield action.start(), Reply(ToolCall(_known_spelling(name.group(), tools), arguments))


def _python_calls(text: str, tools: Sequence[ToolDescription]) -> Iterator[tuple[int, Reply]]:
    """`name(...)` or `name[...]` of a known tool."""
    names = "|".join(sorted((re.escape(t.name) for t in tools), key=len, reverse=True))
    if not names:
        return
    for match in re.finditer(rf"(?<![\w.])({names})[ \t]*([\[(])", text):
        arguments = _arguments(_bracketed(text, match.end() - 1), match.group(1), tools)
        yield match.start(), Reply(ToolCall(match.group(1), arguments))


def _input_text(text: str, start: int) -> str:
    """The text of an "Action Input:": to the next ReAct line, or to the end."""
    end = re.compile(r"^[ \t*]*(?:Observation|Thought|Action)\b", re.MULTILINE).search(text, start)
    return text[start : end.start() if end else len(text)].strip()


def _bracketed(text: str, start: int) -> str:
    """What stands between the bracket at `start` and its partner; to the end of the line when there is none."""
    opening, closing = text[start], _BRACKETS[text[start]]
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == opening) - (text[i] == closing)
        if depth == 0:
            return text[start + 1 : i].strip()
    return text[start + 1 :].split("\n", 1)[0].strip()


def _from_json(text: str, start: int, tools: Sequence[ToolDescription]) -> ToolCall | None:
    """The call in the JSON value that starts here; of a list, its first."""
    value = _decoded(text, start)
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("function"), dict):
        value = value["function"]
    name = next((value[k] for k in _NAME_KEYS if isinstance(value.get(k), str)), None)
    if name is None:
        return None
    given = next((value[k] for k in _ARGUMENT_KEYS if k in value), None)
    if given is None and not any(t.name == name for t in tools):
        return None
    return ToolCall(_known_spelling(name, tools), _named(given, name, tools))


def _arguments(source: str, name: str, tools: Sequence[ToolDescription]) -> dict[str, Any]:
    """Arguments written between brackets: JSON object, Python literals, or bare text for the first parameter."""
    value = _decoded(source, 0) if source.startswith("{") else None
    if isinstance(value, dict):
        return _named(value, name, tools)
    call = _python_call(source)
    if call is None:
        return _named(_unquoted(source), name, tools) if source else {}
    try:
        named = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg is not None}
        values = [ast.literal_eval(a) for a in call.args]
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _named(source, name, tools)
    if len(values) == 1 and not named:
        # "calculator(1, 000)" and "calculator(-3)" are text to a tool: keep what was written unless it is a string.
        return _named(values[0] if isinstance(values[0], str) else source, name, tools)
    parameters = _parameter_names(name, tools)
    if len(values) > len(parameters):
        return _named(source, name, tools)
    return dict(zip(parameters, values, strict=False)) | {str(k): v for k, v in named.items()}


def _python_call(source: str) -> ast.Call | None:
    """The syntax tree of `f(source)`; None when it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(f"f({source[:4000]})", mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    is_whole = isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and len(source) <= 4000
    return tree if is_whole and isinstance(tree, ast.Call) else None


def _named(given: object, name: str, tools: Sequence[ToolDescription]) -> dict[str, Any]:
    """Arguments by parameter name; JSON in a string is opened, anything else goes to the first parameter."""
    if isinstance(given, str) and given.lstrip().startswith("{"):
        opened = _decoded(given, len(given) - len(given.lstrip()))
        given = opened if isinstance(opened, dict) else given
    if isinstance(given, Mapping):
        return {str(key): value for key, value in given.items()}
    if given is None:
        return {}
    return {next(iter(_parameter_names(name, tools)), "input"): given}


def _parameter_names(name: str, tools: Sequence[ToolDescription]) -> list[str]:
    return [p.name for t in tools if t.name == _known_spelling(name, tools) for p in t.parameters]


def _known_spelling(name: str, tools: Sequence[ToolDescription]) -> str:
    """The tool's own spelling when only upper and lower case, spaces or underscores differ."""

    def plain(word: str) -> str:
        return word.lower().replace("_", "-").replace(" ", "-").strip("-.")

    return next((t.name for t in tools if plain(t.name) == plain(name)), name)


def _unquoted(source: str) -> str:
    """Text without one pair of quotes around it."""
    if len(source) >= 2 and source[0] == source[-1] and source[0] in "\"'":
        return source[1:-1]
    return source


def _decoded(text: str, start: int) -> Any:
    """The JSON value that starts here, whatever follows it; None when there is none."""
    try:
        return json.JSONDecoder(strict=False).raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        return None
