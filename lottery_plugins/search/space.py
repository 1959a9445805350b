"""What a search chooses from: dimensions with choices, and ranges inside them. Finite, so that it can be exhausted.

A dimension is a model argument (`compression`, `reasoner`, `max_calls`, ...) with a list of choices, each written as
the argument itself is written in YAML. In the place of a number, `{low: 0.1, high: 0.5, step: 0.1}` stands for all:

    compression: [none, int8, [int8, {wanda: {sparsity: {low: 0.1, high: 0.5, step: 0.1}}}]]
    max_calls: {low: 2, high: 8, step: 2}
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lottery_plugins.errors import ConfigError, suggest
from lottery_plugins.specs import parse_specs, write_specs

__all__ = ["PLUGIN_KINDS", "Choice", "Dimension", "Range", "Value", "all_points", "distance", "parse_dimension"]

PLUGIN_KINDS = {
    "compression": "compression",
    "reasoner": "reasoner",
    "tools": "tool",
    "retriever": "retriever",
    "memory": "memory",
    "verifier": "verifier",
}
"""Arguments that hold specs, and the kind of plugin that each names."""

Value = str | int | float
"""What one parameter of a ticket is: the label of a choice, or a number of a range."""

_RANGE_KEYS = frozenset({"low", "high", "step"})


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high` in steps; whole ones where all three are whole."""

    low: float
    high: float
    step: float

    @property
    def is_whole(self) -> bool:
        """Whether its values are whole numbers."""
        return all(isinstance(number, int) for number in (self.low, self.high, self.step))

    @property
    def values(self) -> tuple[float, ...]:
        """All of them, ascending, without the dust of binary fractions."""
        count = round((self.high - self.low) / self.step) + 1
        return tuple(self.tidy(self.low + i * self.step) for i in range(count))

    def tidy(self, value: float) -> float:
        """The value as a user would write it."""
        return int(value) if self.is_whole else float(f"{value:.10g}")

    @classmethod
    def parse(cls, written: Mapping[str, Any], where: str) -> Range:
        """Read `{low, high, step}`.

        Raises:
            ConfigError: It is no range.
        """
        numbers = {key: written.get(key, 1 if key == "step" else None) for key in ("low", "high", "step")}
        for key, number in numbers.items():
            is_number = isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
            if not is_number:
                raise ConfigError(f"{where}.{key}", number, "a number", "A range is {low: 0.1, high: 0.5, step: 0.1}.")
        found = cls(**numbers)
        steps = (found.high - found.low) / found.step if found.step > 0 else -1.0
        if steps < 0 or abs(steps - round(steps)) > 1e-6:
            allowed = "a range from low to high in whole steps above 0"
            raise ConfigError(where, dict(written), allowed, "Say {low: 0.1, high: 0.5, step: 0.1}.")
        return found


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a dimension: how it is written, and the ranges in it by their place.

    Attributes:
        label: As shown, and as kept in the study.
        written: The argument, with a `Range` where the user wrote one.
        ranges: By the place in the spec: "wanda.sparsity".
    """

    label: str
    written: Any
    ranges: Mapping[str, Range] = field(default_factory=dict)

    def filled(self, numbers: Mapping[str, float]) -> Any:
        """The argument with numbers in the place of its ranges; specs as one text."""
        return _filled(self.written, numbers, "")


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing that tickets differ in: choices, or one range of numbers."""

    name: str
    choices: tuple[Choice, ...] = ()
    range: Range | None = None

    def choice(self, label: str) -> Choice:
        """The choice of that label."""
        return next(choice for choice in self.choices if choice.label == label)

    def points(self) -> Iterator[dict[str, Value]]:
        """Every way to choose in this dimension, as parameters by name."""
        if self.range is not None:
            for value in self.range.values:
                yield {self.name: value}
            return
        for choice in self.choices:
            names = [self.parameter(choice, place) for place in choice.ranges]
            for values in itertools.product(*(r.values for r in choice.ranges.values())):
                yield {self.name: choice.label, **dict(zip(names, values, strict=True))}

    def parameter(self, choice: Choice, place: str) -> str:
        """Name of the parameter that holds the number of a range."""
        return f"{self.name}.{choice.label}.{place}"

    def value(self, point: Mapping[str, Value]) -> Any:
        """The argument at a point of the space."""
        if self.range is not None:
            return point[self.name]
        choice = self.choice(str(point[self.name]))
        filled = choice.filled({place: float(point[self.parameter(choice, place)]) for place in choice.ranges})
        return write_specs(parse_specs(filled, self.name)) if self.name in PLUGIN_KINDS else filled


def all_points(dimensions: Sequence[Dimension]) -> Iterator[dict[str, Value]]:
    """Every point of the space."""
    for parts in itertools.product(*(list(dimension.points()) for dimension in dimensions)):
        yield {name: value for part in parts for name, value in part.items()}


def distance(dimensions: Sequence[Dimension], one: Mapping[str, Value], other: Mapping[str, Value]) -> float:
    """How far two points are apart: 1 for each other choice, up to 0.5 for each other number."""
    total = 0.0
    for dimension in dimensions:
        if dimension.range is not None:
            total += _apart(dimension.range, one[dimension.name], other[dimension.name])
        elif one[dimension.name] != other[dimension.name]:
            total += 1.0
        else:
            choice = dimension.choice(str(one[dimension.name]))
            names = {dimension.parameter(choice, place): numbers for place, numbers in choice.ranges.items()}
            total += sum(_apart(numbers, one[name], other[name]) for name, numbers in names.items())
    return total


def _apart(numbers: Range, one: Value, other: Value) -> float:
    width = numbers.high - numbers.low
    return 0.5 * abs(float(one) - float(other)) / width if width else 0.0


def parse_dimension(name: str, written: object, where: str) -> Dimension:
    """Read one dimension.

    Raises:
        ConfigError: It is neither a list of choices nor a range.
    """
    if isinstance(written, Mapping) and written.keys() <= _RANGE_KEYS and "low" in written:
        return Dimension(name, range=Range.parse(written, where))
    if not isinstance(written, list) or not written:
        allowed = "a list of choices, or {low: ..., high: ..., step: ...}"
        raise ConfigError(where, written, allowed, f"For one choice write '{name}: [...]', or put it under ticket.")
    choices = tuple(_choice(name, item, f"{where}[{i}]") for i, item in enumerate(written))
    labels = [choice.label for choice in choices]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise ConfigError(where, twice, "different choices, each once")
    return Dimension(name, choices)


def _choice(name: str, item: object, where: str) -> Choice:
    if name not in PLUGIN_KINDS:
        if item is not None and not isinstance(item, str | int | float | bool):
            raise ConfigError(where, item, "a text, a number, true or false")
        return Choice("none" if item is None else str(item), item)
    ranges: dict[str, Range] = {}
    written = _with_ranges(item, "", where, ranges)
    shown = _filled(written, {}, "", as_text=True)
    return Choice(write_specs(parse_specs(shown, where)) or "none", written, ranges)


def _with_ranges(item: Any, place: str, where: str, found: dict[str, Range]) -> Any:
    """The argument with a `Range` where the user wrote one; they are collected by place."""
    if isinstance(item, Mapping):
        if item.keys() & _RANGE_KEYS and place.count(".") == 1:
            if unknown := sorted(item.keys() - _RANGE_KEYS):
                hint = suggest(str(unknown[0]), _RANGE_KEYS).strip()
                raise ConfigError(f"{where}: {place}", unknown[0], "low, high and step", hint)
            found[place] = Range.parse(item, f"{where}: {place}")
            return found[place]
        inner = {str(key): value for key, value in item.items()}
        return {key: _with_ranges(v, f"{place}.{key}".lstrip("."), where, found) for key, v in inner.items()}
    if isinstance(item, list) and not place:
        return [_with_ranges(part, place, where, found) for part in item]
    return item


def _filled(item: Any, numbers: Mapping[str, float], place: str, *, as_text: bool = False) -> Any:
    if isinstance(item, Range):
        return f"{item.low:g}..{item.high:g}" if as_text else item.tidy(numbers[place])
    if isinstance(item, Mapping):
        return {k: _filled(v, numbers, f"{place}.{k}".lstrip("."), as_text=as_text) for k, v in item.items()}
    if isinstance(item, list):
        return [_filled(part, numbers, place, as_text=as_text) for part in item]
    return item
