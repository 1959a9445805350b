"""How well probabilities tell right from wrong answers, with intervals over clusters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["METRICS", "auc", "brier", "expected_calibration_error", "with_intervals"]

Floats = NDArray[np.float64]
Metric = Callable[[Floats, Floats], float]

_BINS = 10
_RESAMPLES = 1000
_LEVEL = 0.95


def auc(probability: Floats, correct: Floats) -> float:
    """How often a right answer has the higher probability than a wrong one, ties counting half; NaN without both."""
    right, wrong = probability[correct == 1], np.sort(probability[correct == 0])
    if not right.size or not wrong.size:
        return float("nan")
    below = np.searchsorted(wrong, right, "left") + np.searchsorted(wrong, right, "right")
    return float(below.sum() / (2 * right.size * wrong.size))


def accuracy(probability: Floats, correct: Floats) -> float:
    """Share of answers on the right side of 0.5."""
    return float(((probability > 0.5) == (correct == 1)).mean())


def base_rate(probability: Floats, correct: Floats) -> float:
    """Share of right answers; always guessing the more frequent side is accurate to this or 1 minus this."""
    return float(correct.mean())


def brier(probability: Floats, correct: Floats) -> float:
    """Mean squared distance of the probability from what was so: 0 is best, 0.25 is always saying 0.5."""
    return float(((probability - correct) ** 2).mean())


def expected_calibration_error(probability: Floats, correct: Floats) -> float:
    """Mean distance of probability and share of right answers over ten bins of equal width. Biased upwards on few."""
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, weights=probability - correct, minlength=_BINS)
    return float(np.abs(gaps).sum() / probability.size)


METRICS: dict[str, Metric] = {
    "auc": auc,
    "accuracy": accuracy,
    "base_rate": base_rate,
    "brier": brier,
    "expected_calibration_error": expected_calibration_error,
}
"""What is reported, in this order."""


def with_intervals(
    probability: Floats, correct: Floats, groups: Sequence[str], seed: int
) -> dict[str, tuple[float, float, float]]:
    """Each metric with its 95 % interval: percentiles of a bootstrap that draws whole groups.

    Replicates without both right and wrong answers are left out for `auc`, which they do not have.
    """
    _, of_group = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(of_group == group) for group in range(int(of_group.max()) + 1)]
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in METRICS}
    for _ in range(_RESAMPLES):
        rows = np.concatenate([members[g] for g in rng.integers(len(members), size=len(members))])
        for name, metric in METRICS.items():
            drawn[name].append(metric(probability[rows], correct[rows]))
    tail = (1 - _LEVEL) / 2
    found = {}
    for name, metric in METRICS.items():
        low, high = np.nanquantile(drawn[name], [tail, 1 - tail])
        found[name] = (metric(probability, correct), float(low), float(high))
    return found
