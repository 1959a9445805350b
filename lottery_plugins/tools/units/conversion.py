"""Converting with pint's definitions, in exact fractions."""

from __future__ import annotations

import threading
from fractions import Fraction
from functools import lru_cache
from typing import Any

from lottery_plugins.tools.units.reading import Factor, Question, UnitsError

__all__ = ["convert"]

_ALIASES = {
    "°C": "degC", "℃": "degC", "°F": "degF", "℉": "degF", "°": "degree", "%": "percent",
    "KM": "km", "Km": "km", "KG": "kg", "Kg": "kg", "KB": "kB", "CM": "cm", "MM": "mm", "LB": "lb", "LBS": "lb",
    "CC": "cc", "ML": "mL", "sqft": "square_foot", "Calorie": "kilocalorie", "Calories": "kilocalorie",
}  # fmt: skip
"""Spellings that pint lacks."""

_TEMPERATURES = {"C": "degC", "F": "degF", "K": "kelvin", "R": "degR"}
"""Letters that mean a temperature when both sides are one of them; alone C is the coulomb and F the farad."""

_loading = threading.Lock()


def convert(question: Question) -> Fraction:
    """The amount in the units that are wanted.

    Raises:
        UnitsError: A unit is unknown, or measures something else than the one wanted.
    """
    from pint.errors import DimensionalityError, PintError

    with _loading:
        registry = _registry()
    are_temperatures = len(question.terms) == 1 and all(
        _is_letter(u) for u in (question.terms[0].units, question.target)
    )
    try:
        wanted = _unit(registry, question.target, are_temperatures)
        total = Fraction(0)
        for term in question.terms:
            unit = _unit(registry, term.units, are_temperatures)
            if len(question.terms) > 1 and not registry.Quantity(1, unit)._is_multiplicative:
                raise UnitsError("temperatures of several parts have no sum", "domain")
            total += Fraction(registry.Quantity(term.amount, unit).to(wanted).magnitude)
    except DimensionalityError as error:
        raise UnitsError(f"{error.units1} can't be converted to {error.units2}: {_measures(error)}", "domain") from None
    except (PintError, TypeError, ValueError, ArithmeticError):
        raise UnitsError("these units can't be converted, for example because one is logarithmic", "domain") from None
    return total


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(non_int_type=Fraction)


def _is_letter(units: tuple[Factor, ...]) -> bool:
    return len(units) == 1 and units[0].power == 1 and len(units[0].words) == 1 and units[0].words[0] in _TEMPERATURES


def _unit(registry: Any, factors: tuple[Factor, ...], are_temperatures: bool) -> Any:
    if are_temperatures:
        return registry.Unit(_TEMPERATURES[factors[0].words[0]])
    named = [(_names(registry, factor.words), factor.power) for factor in factors]
    if len(named) == 1 and len(named[0][0]) == 1 and named[0][1] == 1:
        return registry.Unit(named[0][0][0])
    product = registry.Unit("dimensionless")
    for names, power in named:
        for name in names[:-1]:
            product *= _interval(registry, name) ** (1 if power > 0 else -1)
        product *= _interval(registry, names[-1]) ** power
    return product


def _interval(registry: Any, name: str) -> Any:
    """The unit as a factor of a product: a degree is then a difference of temperatures."""
    unit = registry.Unit(name)
    is_offset = not registry.Quantity(1, unit)._is_multiplicative
    return registry.Unit(f"delta_{unit}") if is_offset else unit


def _names(registry: Any, words: tuple[str, ...]) -> list[str]:
    """The registry's names of words: the longest runs of words that are one unit, "nautical_mile", first.

    Raises:
        UnitsError: A word is part of no unit.
    """
    names: list[str] = []
    at = 0
    while at < len(words):
        for end in range(min(len(words), at + 4), at, -1):
            name = _known(registry, words[at:end])
            if name:
                names.append(name)
                at = end
                break
        else:
            raise UnitsError(f"no unit is called {' '.join(words[at:])[:60]!r}")
    return names


def _known(registry: Any, words: tuple[str, ...]) -> str | None:
    """The name under which the registry has these words; a long word also in lower case."""
    name = "_".join(words)
    spellings = [_ALIASES.get(name, name)]
    if len(name) > 3:
        spellings.append(name.lower())
    if words[0].lower() in ("degree", "degrees", "deg") and len(words) == 2:
        spellings.append(f"degree_{words[1].capitalize()}" if len(words[1]) > 1 else f"deg{words[1].upper()}")
    return next((s for s in spellings if not s.startswith("_") and registry.parse_unit_name(s)), None)


def _measures(error: Any) -> str:
    """What both units measure: "one is a [mass], the other a [length]"."""
    first, second = (str(dim).replace("[", "").replace("]", "") for dim in (error.dim1, error.dim2))
    return f"one measures {first.strip('() ') or 'a number'}, the other {second.strip('() ') or 'a number'}"
