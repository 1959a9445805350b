"""Reading the arguments of a tool call, which a model wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lottery_plugins.errors import ToolError
from lottery_plugins.protocols.tool import ToolDescription

__all__ = ["read_arguments", "shortened", "text_argument"]


def shortened(text: str, max_chars: int = 60) -> str:
    """The text cut to `max_chars` characters, with "..." where something is missing."""
    return text if len(text) <= max_chars else text[: max_chars - 3] + "..."


def text_argument(description: ToolDescription, arguments: Mapping[str, Any], *, max_chars: int, hint: str) -> str:
    """The text of a tool's only parameter, as it was written.

    A number is taken as the text it was written as, since models leave quotes out; anything else is refused.

    Args:
        description: Of a tool with one parameter.
        arguments: The call's arguments, as a model wrote them.
        max_chars: The longest text to accept.
        hint: What to send instead, as a sentence.

    Raises:
        ToolError: The argument is missing, empty, too long or of another type, or there are others beside it.
    """
    tool, name = description.name, description.parameters[0].name
    unknown = [str(key) for key in arguments if key != name]
    if unknown:
        raise ToolError(tool, f"no argument is called {shortened(unknown[0])!r}, the only one is {name!r}", hint)
    if name not in arguments:
        raise ToolError(tool, f"the argument {name!r} is missing", hint)
    value = arguments[name]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ToolError(tool, f"the argument {name!r} must be text, not {type(value).__name__}", hint)
    text = _as_text(value, max_chars)
    if not text.strip():
        raise ToolError(tool, f"the argument {name!r} is empty", hint)
    if len(text) > max_chars:
        raise ToolError(tool, f"the argument {name!r} is longer than {max_chars} characters", hint, category="limit")
    return text


def _as_text(value: str | int | float, max_chars: int) -> str:
    """The value as text that can be encoded: half a surrogate pair becomes a question mark."""
    if isinstance(value, int) and value.bit_length() > 4 * max_chars:
        return "9" * (max_chars + 1)  # refused by its length; writing it out could raise or take long
    return str(value).encode("utf-8", "replace").decode("utf-8")


def read_arguments(
    description: ToolDescription, arguments: Mapping[str, Any], *, max_chars: int, hint: str
) -> dict[str, Any]:
    """The arguments of a tool with several parameters: texts and whole numbers by name, checked.

    A whole number is taken for a text as it was written, and a text of digits for a whole number. An optional argument
    that is missing or null is left out.

    Args:
        description: Of the tool; its parameters are of type "string" or "integer".
        arguments: The call's arguments, as a model wrote them.
        max_chars: The longest text to accept.
        hint: What to send instead, as a sentence.

    Raises:
        ToolError: An argument is missing, unknown, too long or of another type.
    """
    tool = description.name
    known = {parameter.name: parameter for parameter in description.parameters}
    for key in arguments:
        if key not in known:
            names = ", ".join(repr(name) for name in known) or "there is none"
            raise ToolError(tool, f"no argument is called {shortened(str(key))!r}; allowed: {names}", hint)
    read: dict[str, Any] = {}
    for name, parameter in known.items():
        value = arguments.get(name)
        if value is None:
            if parameter.required:
                raise ToolError(tool, f"the argument {name!r} is missing", hint)
            continue
        read[name] = (_text if parameter.type == "string" else _whole)(tool, name, value, max_chars, hint)
    return read


def _text(tool: str, name: str, value: object, max_chars: int, hint: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ToolError(tool, f"the argument {name!r} must be text, not {type(value).__name__}", hint)
    text = _as_text(value, max_chars)
    if len(text) > max_chars:
        raise ToolError(tool, f"the argument {name!r} is longer than {max_chars} characters", hint, category="limit")
    return text


def _whole(tool: str, name: str, value: object, max_chars: int, hint: str) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ToolError(tool, f"the argument {name!r} must be a whole number", hint)
    return value
