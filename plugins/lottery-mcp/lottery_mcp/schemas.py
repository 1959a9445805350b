"""From a server's description of a tool to ours. A server is not trusted: its texts are shortened to one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lottery_plugins.protocols.tool import Parameter, ToolDescription

__all__ = ["description_of"]

MAX_DESCRIPTION = 1000
MAX_HELP = 300
MAX_DEPTH = 8

_TYPES = ("string", "number", "integer", "boolean", "array", "object")
_SAID_BY_TYPE = {"type", "title", "description"}


def description_of(tool: Any, prefix: str) -> ToolDescription:
    """What the model is told of a tool of the MCP library's type; required parameters first."""
    schema = tool.input_schema or {}
    required = set(schema.get("required") or ())
    properties = schema.get("properties") or {}
    definitions = schema.get("$defs") or schema.get("definitions") or {}
    parameters = [_parameter(name, part, name in required, definitions) for name, part in properties.items()]
    text = _line(tool.description or getattr(tool, "title", None) or "", MAX_DESCRIPTION)
    return ToolDescription(
        f"{prefix}{tool.name}",
        text or f"The tool {tool.name}.",
        tuple(sorted(parameters, key=lambda p: not p.required)),
    )


def _parameter(name: str, part: object, required: bool, definitions: Mapping[str, Any]) -> Parameter:
    resolved = _resolved(part, definitions, 0)
    schema = resolved if isinstance(resolved, dict) else {}
    text = _line(str(schema.get("description") or schema.get("title") or name), MAX_HELP)
    kind = _kind(schema)
    says_more = schema.keys() - _SAID_BY_TYPE or schema.get("type", kind) != kind
    shown = {key: value for key, value in schema.items() if key != "title"} | {"description": text}
    return Parameter(name, kind, text, required, shown if says_more else None)


def _kind(schema: Mapping[str, Any]) -> str:
    """The one type, or the first of several that is not null; "string" where nothing is said."""
    given = schema.get("type")
    kinds = [given] if isinstance(given, str) else list(given) if isinstance(given, list) else []
    for key in ("anyOf", "oneOf"):
        kinds += [part.get("type") for part in schema.get(key) or () if isinstance(part, dict)]
    return next((kind for kind in kinds if kind in _TYPES), "string")


def _resolved(part: object, definitions: Mapping[str, Any], depth: int) -> Any:
    """The schema with the definitions of its own document put in; what lies deeper than allowed is left open."""
    if depth > MAX_DEPTH:
        return {}
    if isinstance(part, list):
        return [_resolved(item, definitions, depth + 1) for item in part]
    if not isinstance(part, dict):
        return part
    reference = part.get("$ref")
    if isinstance(reference, str):
        found = definitions.get(reference.rpartition("/")[2], {})
        rest = {key: value for key, value in part.items() if key != "$ref"}
        return {**_resolved(found, definitions, depth + 1), **_resolved(rest, definitions, depth + 1)}
    return {key: _resolved(value, definitions, depth + 1) for key, value in part.items()}


def _line(text: str, max_chars: int) -> str:
    line = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return line if len(line) <= max_chars else f"{line[: max_chars - 3]}..."
