"""Whether a call's arguments are among those that the Berkeley Function-Calling Leaderboard accepts. Pure functions.

An accepted call lists, for each parameter, the values that will do; "" among them says that it may be left out. In a
value that is an object, each key lists its values in the same way. Source: the AST checker of BFCL v3. Deviations: text
that is a number is read as one where the parameter is a number; a whole float does for an integer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lottery_plugins.trajectory import ToolCall

__all__ = ["accepts", "gold_call"]

_IGNORED = re.compile(r"[ ,./\-_*^]")
_NUMBERS = ("integer", "number")


def accepts(given: Mapping[str, Any], allowed: Mapping[str, Sequence[Any]], types: Mapping[str, str]) -> bool:
    """Whether the arguments are accepted.

    Args:
        given: By parameter name, as read from what a model wrote: any JSON value.
        allowed: Accepted values by parameter name.
        types: JSON schema type by parameter name.
    """
    typed = {name: _as_number(value) if types.get(name) in _NUMBERS else value for name, value in given.items()}
    return _fits_object(typed, allowed)


def gold_call(name: str, allowed: Mapping[str, Sequence[Any]]) -> ToolCall:
    """One of the accepted calls: the first value of each parameter that must be given."""
    return ToolCall(name, _first_object(allowed))


def _fits_object(given: Mapping[str, Any], allowed: Mapping[str, Any]) -> bool:
    if not given.keys() <= allowed.keys():
        return False
    return all(
        any(_fits(given[name], value) for value in _listed(values)) if name in given else "" in _listed(values)
        for name, values in allowed.items()
    )


def _fits(got: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(got, bool):
        return got is wanted
    if isinstance(wanted, str):
        return isinstance(got, str) and _bare(got) == _bare(wanted)
    if isinstance(wanted, Mapping):
        return isinstance(got, Mapping) and _fits_object(got, wanted)
    if isinstance(wanted, list | tuple):
        is_list = isinstance(got, list | tuple) and len(got) == len(wanted)
        return is_list and all(_fits(g, w) for g, w in zip(got, wanted, strict=True))
    return isinstance(got, int | float | None) and got == wanted


def _bare(text: str) -> str:
    """Text without what the checker ignores: case, blanks, the marks ,./-_*^ and the kind of quotes."""
    return _IGNORED.sub("", text).lower().replace("'", '"')


def _as_number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        number = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return number if isinstance(number, int | float) and not isinstance(number, bool) else value


def _first_object(allowed: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _first(_listed(values)[0]) for name, values in allowed.items() if "" not in _listed(values)}


def _first(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _first_object(value)
    return [_first(item) for item in value] if isinstance(value, list | tuple) else value


def _listed(values: Any) -> Sequence[Any]:
    return values if isinstance(values, list) else [values]
