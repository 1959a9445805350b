"""Arguments as a model wrote them, by parameter name and of the type that the parameter wants."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.reasoning.tool_calls.syntax import NotLiteralError, call_tree, decoded, literal, source_of

__all__ = ["bare", "between_brackets", "coerced", "named"]

_KINDS: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}
_TRUTH = {"true": True, "false": False}


def named(given: object, tool: ToolDescription | None) -> dict[str, Any]:
    """Arguments out of a decoded value.

    JSON in a string is opened, a list goes to the parameters in order unless the first one takes lists, anything else
    goes to the first parameter.
    """
    if isinstance(given, str) and given.lstrip().startswith("{"):
        opened = decoded(given, len(given) - len(given.lstrip()))
        given = opened[0] if opened is not None and isinstance(opened[0], dict) else given
    if isinstance(given, Mapping):
        return {str(key): value for key, value in given.items()}
    if given is None:
        return {}
    parameters = _parameters(tool)
    if isinstance(given, list) and 1 < len(parameters) >= len(given) and parameters[0].type != "array":
        return dict(zip((p.name for p in parameters), given, strict=False))
    return bare(given, tool)


def bare(value: object, tool: ToolDescription | None) -> dict[str, Any]:
    """The value for the tool's first parameter, or for "input" where no parameter is known."""
    return {next((p.name for p in _parameters(tool)), "input"): value}


def between_brackets(source: str, tool: ToolDescription | None, *, is_text: bool) -> dict[str, Any]:
    """Arguments written between brackets: a JSON object, Python arguments, or bare text for the first parameter.

    A keyword argument that is no literal is kept as its source text; a positional one makes the whole bare text.

    Args:
        source: What stands between the brackets.
        tool: Whose arguments; None when it is not offered.
        is_text: Whether bare text is meant unless all keywords are the tool's, as in `python[x = 5]`.
    """
    value = decoded(source, 0) if source.startswith("{") else None
    if value is not None and isinstance(value[0], dict) and not source[value[1] :].strip():
        return named(value[0], tool)
    tree = call_tree(source)
    if tree is None:
        return bare(_unquoted(source), tool) if source else {}
    try:
        keywords = _keywords(tree, source)
        values = [literal(node) for node in tree.args]
    except NotLiteralError:
        return bare(source, tool)
    parameters = _parameters(tool)
    if len(values) > len(parameters) > 0 or (is_text and not keywords.keys() <= {p.name for p in parameters}):
        return bare(source, tool)
    if len(values) == 1 and not keywords:
        return _single(values[0], source, tool)
    return {**dict(zip((p.name for p in parameters), values, strict=False)), **keywords}


def _single(value: object, source: str, tool: ToolDescription | None) -> dict[str, Any]:
    """One positional argument. "calculator(-3)" is text to a tool that takes text: what was written is kept."""
    parameters = _parameters(tool)
    if isinstance(value, dict) and value and value.keys() <= {p.name for p in parameters}:
        return dict(value)
    wants_text = not parameters or parameters[0].type == "string"
    return bare(source if wants_text and not isinstance(value, str) else value, tool)


def _keywords(tree: ast.Call, source: str) -> dict[str, Any]:
    """Keyword arguments, `**{...}` opened.

    Raises:
        NotLiteralError: What stands behind `**` is no literal mapping.
    """
    given: dict[str, Any] = {}
    for keyword in tree.keywords:
        if keyword.arg is not None:
            try:
                given[keyword.arg] = literal(keyword.value)
            except NotLiteralError:
                given[keyword.arg] = source_of(keyword.value, source)
        else:
            opened = literal(keyword.value)
            if not isinstance(opened, dict):
                raise NotLiteralError
            given |= opened
    return given


def coerced(arguments: Mapping[str, Any], tool: ToolDescription) -> dict[str, Any]:
    """The arguments, those of another type than their parameter's turned into it where only one value can be meant.

    "5" becomes 5 for an integer, "true" True for a boolean, "[1]" [1] for an array, 5.0 5 for an integer, and 5 "5" for
    a string. Nothing else is changed.
    """
    kinds = {parameter.name: _kind(parameter) for parameter in tool.parameters}
    return {name: _coerced(value, kinds.get(name, "")) for name, value in arguments.items()}


def _kind(parameter: Parameter) -> str:
    """The parameter's type; "" where its schema allows several."""
    schema = parameter.to_schema()
    is_one = isinstance(schema["type"], str) and not schema.keys() & {"anyOf", "oneOf", "allOf", "$ref"}
    return str(schema["type"]) if is_one else ""


def _coerced(value: Any, kind: str) -> Any:
    if isinstance(value, str):
        if kind == "boolean":
            return _TRUTH.get(value.strip().lower(), value)
        read = _as_json(value) if kind in _KINDS else None
        fits = isinstance(read, _KINDS.get(kind, ())) and not isinstance(read, bool)
        return read if fits else value
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind == "string" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def _as_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _parameters(tool: ToolDescription | None) -> tuple[Parameter, ...]:
    return tool.parameters if tool is not None else ()


def _unquoted(source: str) -> str:
    """Text without one pair of quotes around it."""
    if len(source) >= 2 and source[0] == source[-1] and source[0] in "\"'":
        return source[1:-1]
    return source
