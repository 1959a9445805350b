"""Calls written as in Python: `name(a=1, b="x")`, several of them in a list or one after another."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from lottery_plugins.protocols.tool import ToolDescription
from lottery_plugins.reasoning.tool_calls.arguments import between_brackets
from lottery_plugins.reasoning.tool_calls.found import MAX_TRIES, FoundCall, found, offered
from lottery_plugins.reasoning.tool_calls.syntax import brackets_at, call_tree

__all__ = ["python_call_at", "python_calls"]

_ANY_CALL = re.compile(r"([A-Za-z_][\w.-]*)\(")


def python_calls(text: str, tools: Sequence[ToolDescription]) -> Iterator[FoundCall]:
    """`name(...)` or `name[...]` of offered tools; the inner one of nested calls is an argument, not a call.

    What only speaks of a tool is none: a definition, a signature such as `f(city, days)`, `f()` where arguments are
    required, or a name with an explanation in brackets behind it.
    """
    pattern = _offered_call(tools)
    at = 0
    for _ in range(MAX_TRIES):
        match = pattern.search(text, at) if pattern is not None else None
        if match is None:
            return
        content = brackets_at(text, match.end() - 1)
        at = match.end()
        tool = offered(match.group(1), tools)
        if tool is not None and not _is_mention(content.source, tool, is_apart=match.group(2) != ""):
            at = content.end
            arguments = between_brackets(content.source, tool, is_text=text[match.end() - 1] == "[")
            yield found(tool.name, arguments, tools, match.start(), at)


def python_call_at(text: str, start: int, tools: Sequence[ToolDescription]) -> FoundCall | None:
    """The call that starts exactly here, of any name; None when none does."""
    match = _ANY_CALL.match(text, start)
    if match is None:
        return None
    content = brackets_at(text, match.end() - 1)
    arguments = between_brackets(content.source, offered(match.group(1), tools), is_text=False)
    return found(match.group(1), arguments, tools, start, content.end)


def _offered_call(tools: Sequence[ToolDescription]) -> re.Pattern[str] | None:
    """A pattern of the tools' names, also as Python can spell them, with the bracket behind."""
    names = {spelling for tool in tools for spelling in (tool.name, re.sub(r"[-. ]", "_", tool.name)) if spelling}
    words = "|".join(sorted((re.escape(name) for name in names), key=lambda word: (-len(word), word)))
    prefix = r"(?<![\w.])(?<!def )(?:functions\.|default_api\.|tools\.)?"
    return re.compile(rf"{prefix}({words})([ \t]*)[\[(]") if words else None


def _is_mention(source: str, tool: ToolDescription, *, is_apart: bool) -> bool:
    """Whether the text speaks of the tool and does not call it."""
    if not source:
        return any(parameter.required for parameter in tool.parameters)
    tree = call_tree(source)
    if tree is None:
        return is_apart
    names = {parameter.name for parameter in tool.parameters}
    values = [*tree.args, *(keyword.value for keyword in tree.keywords)]
    if all(isinstance(value, ast.Name) and value.id in names for value in values):
        return True
    return is_apart and not any(isinstance(node, ast.Constant) for node in ast.walk(tree))
