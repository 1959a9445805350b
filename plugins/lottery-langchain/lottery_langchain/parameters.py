"""From the schema of a LangChain tool to our parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lottery_plugins.protocols.tool import Parameter

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

__all__ = ["fits", "hidden_requirements", "parameters_of"]

_TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")
_PYTHON: dict[str, Any] = {
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}
_NAMELESS = "__arg1"  # LangChain's name for the one argument of a `Tool` made of a function; it takes any other as well
_SAID_ANYWAY = frozenset({"type", "description", "title", "default"})


def parameters_of(tool: BaseTool) -> tuple[Parameter, ...]:
    """The arguments that a model may give, in the order of the tool's own schema.

    Arguments that LangChain injects (`InjectedToolArg`) are not among them. A type that is no single JSON type, such as
    a union or an enumeration, stands whole in `Parameter.schema`.
    """
    from langchain_core.utils.function_calling import convert_to_openai_tool

    schema = convert_to_openai_tool(tool)["function"].get("parameters") or {}
    if list(schema.get("properties", ())) == [_NAMELESS]:
        return (Parameter("input", "string", "the input"),)
    required = frozenset(schema.get("required", ()))
    return tuple(
        _parameter(name, prop if isinstance(prop, Mapping) else {}, required=name in required)
        for name, prop in schema.get("properties", {}).items()
    )


def _parameter(name: str, prop: Mapping[str, Any], *, required: bool) -> Parameter:
    description = str(prop.get("description") or prop.get("title") or name).strip()
    says_more = not set(prop) <= _SAID_ANYWAY or not isinstance(prop.get("type"), str)
    kinds = _json_types(prop)
    named = [kind for kind in kinds if kind != "null"]
    schema = {key: value for key, value in prop.items() if key not in ("title", "default") or value is not None}
    schema |= {"type": kinds[0] if len(kinds) == 1 else kinds, "description": description}
    return Parameter(
        name, named[0] if len(named) == 1 else "string", description, required, schema if says_more else None
    )


def _json_types(prop: Mapping[str, Any]) -> list[str]:
    """The JSON types that a property may have; all of them where its schema names none."""
    parts = [part for key in ("anyOf", "oneOf") for part in prop.get(key, ())]
    if "type" not in prop and parts:
        return list(dict.fromkeys(kind for part in parts for kind in _json_types(part)))
    kinds = prop.get("type", _TYPES)
    return [kinds] if isinstance(kinds, str) else list(kinds)


def fits(value: Any, parameter: Parameter) -> bool:
    """Whether a value has a JSON type that the parameter may have; a pydantic model of the arguments says more."""
    kinds = parameter.to_schema()["type"]
    allowed = [_PYTHON.get(kind, object) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    return bool in allowed if isinstance(value, bool) else any(isinstance(value, kind) for kind in allowed)


def hidden_requirements(tool: BaseTool) -> tuple[str, ...]:
    """Arguments without which the tool fails and that only a LangGraph graph could give: its state, its store.

    The id of the call is no such argument, since every call has one.
    """
    from langchain_core.tools import InjectedToolCallId

    is_nameless = (
        hasattr(tool, "func") and tool.args_schema is None
    )  # LangChain's own parameters would be taken for its
    schema = tool.get_input_schema() if tool.args_schema is None and not is_nameless else tool.args_schema
    fields = getattr(schema, "model_fields", {})
    shown = {parameter.name for parameter in parameters_of(tool)}
    return tuple(
        name
        for name, field in fields.items()
        if name not in shown
        and (field.alias or name) not in shown
        and field.is_required()
        and not any(m is InjectedToolCallId or isinstance(m, InjectedToolCallId) for m in field.metadata)
    )
