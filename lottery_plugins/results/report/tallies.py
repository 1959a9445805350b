"""What the charts draw, counted while the samples go by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lottery_plugins.results.report.documents import ArmAnswer, Sample
from lottery_plugins.results.statistics import wilson

__all__ = ["Mean", "Tallies"]

_MOST_VALUES = 24  # of a field that is drawn value by value


@dataclass(slots=True)
class Mean:
    """A mean that grows."""

    total: float = 0.0
    number: int = 0
    is_binary: bool = True

    def add(self, value: float) -> None:
        """One more value."""
        self.total += value
        self.number += 1
        self.is_binary = self.is_binary and value in (0.0, 1.0)

    def row(self) -> dict[str, Any]:
        """Value and n, with a Wilson interval where all values are 0 or 1."""
        row: dict[str, Any] = {"value": self.total / self.number, "n": self.number}
        if self.is_binary:
            estimate = wilson(round(self.total), self.number)
            row |= {"low": estimate.low, "high": estimate.high}
        return row


@dataclass(slots=True)
class Tallies:
    """Counts over all samples.

    Attributes:
        by_field: Mean score by (task, field, value, arm).
        by_pair: Mean score by (task, (field, value), (field, value), arm), for pairs of number fields.
        searched: By (task, popularity, arm): whether it searched, and the score.
        tools: Calls and failed calls by (arm, tool).
        stops: Samples by (arm, stop reason).
    """

    by_field: dict[tuple[str, str, float | str, str], Mean] = field(default_factory=dict)
    by_pair: dict[tuple[str, tuple[str, float], tuple[str, float], str], Mean] = field(default_factory=dict)
    searched: list[tuple[str, float, str, bool, float]] = field(default_factory=list)
    tools: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    stops: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, sample: Sample, popularity: str = "") -> None:
        """One more sample; `popularity` is the field that tells how well known its subject is."""
        for arm, answer in sample.answers.items():
            score = 0.0 if answer.failed else answer.score
            self._scores(sample.task, {k: v for k, v in sample.fields.items() if k != popularity}, arm, score)
            known = sample.fields.get(popularity)
            is_searched = any(step.get("kind") == "retrieve" for step in answer.steps)
            if isinstance(known, float):
                self.searched.append((sample.task, known, arm, is_searched, score))
            self._acts(arm, answer)

    def _scores(self, task: str, fields: Mapping[str, float | str], arm: str, score: float) -> None:
        for name, value in fields.items():
            self.by_field.setdefault((task, name, value, arm), Mean()).add(score)
        numbers = [(name, value) for name, value in fields.items() if isinstance(value, float)]
        for index, first in enumerate(numbers):
            for second in numbers[index + 1 :]:
                self.by_pair.setdefault((task, first, second, arm), Mean()).add(score)

    def _acts(self, arm: str, answer: ArmAnswer) -> None:
        if answer.stop_reason:
            self.stops[arm, answer.stop_reason] += 1
        for step in answer.steps:
            if step.get("kind") == "tool":
                counts = self.tools.setdefault((arm, str(step.get("tool", ""))), Counter())
                counts["calls"] += 1
                counts["failed"] += step.get("error") is not None

    def varied(self, task: str) -> dict[str, list[float | str]]:
        """The fields of a task that have between 2 and a few values, with these, sorted."""
        found: dict[str, set[float | str]] = {}
        for of, name, value, _ in self.by_field:
            if of == task:
                found.setdefault(name, set()).add(value)
        return {
            name: sorted(values, key=lambda v: (isinstance(v, str), v))
            for name, values in found.items()
            if 1 < len(values) <= _MOST_VALUES
        }
