"""Values of a study file, checked: each function reads one and gives its default when it is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from lottery_plugins.errors import ConfigError, suggest
from lottery_plugins.results.options import checked_margin

__all__ = ["check_keys", "choice_of", "level", "mapping", "optional_margin", "whole"]

T = TypeVar("T")


def mapping(value: object, where: str) -> dict[str, Any]:
    """A mapping with text keys.

    Raises:
        ConfigError: It is none.
    """
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return dict(value)
    raise ConfigError(where, value, "a mapping like {name: value}", "See docs/search.md for a file that works.")


def check_keys(given: Mapping[str, Any], allowed: Sequence[str], where: str) -> None:
    """Refuse a key that nobody reads: a misspelt setting would be taken for one that was heard.

    Raises:
        ConfigError: With the nearest one that is allowed.
    """
    for key in given:
        if key not in allowed:
            raise ConfigError(where, key, f"one of {', '.join(allowed)}", suggest(key, allowed).strip())


def choice_of(given: Mapping[str, Any], key: str, allowed: Sequence[T], where: str) -> T:
    """One of some values; the first one when nothing is said.

    Raises:
        ConfigError: It is another one.
    """
    value = given.get(key)
    for one in allowed:
        if value is None or (value == one and type(value) is type(one)):
            return one
    words = ", ".join("true" if one is True else "false" if one is False else str(one) for one in allowed)
    raise ConfigError(f"{where}: {key}", value, f"one of {words}", suggest(str(value), map(str, allowed)).strip())


def whole(given: Mapping[str, Any], key: str, default: int, where: str, least: int = 1) -> int:
    """A whole number of at least `least`.

    Raises:
        ConfigError: It is none.
    """
    value = default if given.get(key) is None else given[key]
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{where}: {key}", value, f"a whole number of at least {least}")
    return value


def level(
    given: Mapping[str, Any], key: str, default: float, where: str, *, least: float | None = None, most: float = 0.49
) -> float:
    """A probability above 0, or from `least`, up to `most`.

    Raises:
        ConfigError: It is none.
    """
    value = default if given.get(key) is None else given[key]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or value > most or value < (least or 0) or (least is None and value == 0):
        lower = "(0" if least is None else f"[{least:g}"
        raise ConfigError(f"{where}: {key}", value, f"a number in {lower}, {most:g}]", f"{default:g} is usual.")
    return float(value)


def optional_margin(given: Mapping[str, Any], where: str) -> float | None:
    """The margin, or None where none is said.

    Raises:
        ConfigError: It is not a number in (0, 1].
    """
    value = given.get("margin")
    return None if value is None else checked_margin(value, f"{where}: margin")
