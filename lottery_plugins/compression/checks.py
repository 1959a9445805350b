"""Checks of option values that several methods share."""

from __future__ import annotations

from collections.abc import Sequence

from lottery_plugins.errors import ConfigError, suggest

__all__ = ["check_at_least", "check_one_of", "check_positive", "check_ratio"]


def check_ratio(where: str, value: float) -> None:
    """Refuse what is not a number in [0, 1).

    Raises:
        ConfigError: Naming the option.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        hint = "It is the fraction removed; use 0.5 to halve."
        raise ConfigError(where, value, "a number in [0, 1)", hint)


def check_at_least(where: str, value: int, least: int) -> None:
    """Refuse what is not a whole number of at least `least`.

    Raises:
        ConfigError: Naming the option.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(where, value, f"a whole number of at least {least}")


def check_positive(where: str, value: float) -> None:
    """Refuse what is not a number above 0.

    Raises:
        ConfigError: Naming the option.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ConfigError(where, value, "a number above 0")


def check_one_of(where: str, value: object, allowed: Sequence[object]) -> None:
    """Refuse what is not among the allowed values.

    Raises:
        ConfigError: Naming the option.
    """
    if isinstance(value, bool) or value not in allowed:
        raise ConfigError(
            where, value, f"one of {', '.join(map(str, allowed))}", suggest(str(value), map(str, allowed))
        )
