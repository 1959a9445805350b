"""Values of model arguments, checked: each function reads one by its name and gives its default when it is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from lottery_plugins.errors import ConfigError

__all__ = ["boolean", "one_of", "seconds", "whole_number"]

D = TypeVar("D", float, None)


def one_of(arguments: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    """A word; the first allowed one when nothing is said.

    Raises:
        ConfigError: It is another one.
    """
    value = arguments.get(name)
    if value is None or value is False:
        return allowed[0]
    if value not in allowed:
        raise ConfigError(name, value, f"one of {', '.join(allowed)}")
    return str(value)


def seconds(arguments: Mapping[str, Any], name: str, default: D, *, most: float | None = None) -> float | D:
    """A time above 0.

    Raises:
        ConfigError: It is no number, or out of range.
    """
    value = arguments.get(name)
    if value is None:
        return default
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not value > 0 or (most is not None and value > most):
        allowed = "a number of seconds above 0" if most is None else f"a number of seconds in (0, {most:g}]"
        usual = "Leave it out for no limit." if default is None else f"The default is {default:g}."
        raise ConfigError(name, value, allowed, usual)
    return float(value)


def whole_number(arguments: Mapping[str, Any], name: str, default: int, least: int = 1) -> int:
    """A whole number of at least `least`.

    Raises:
        ConfigError: It is none.
    """
    value = arguments.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(name, value, f"a whole number of at least {least}", f"The default is {default}.")
    return value


def boolean(arguments: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """True or false.

    Raises:
        ConfigError: It is neither.
    """
    value = arguments.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise ConfigError(name, value, "true or false", f"The default is {str(default).lower()}.")
    return value
