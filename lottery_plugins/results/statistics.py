"""The statistics of a comparison: pure functions of arrays, no files and no words.

Differences are candidate minus baseline, oriented so that above 0 is better for the candidate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import optimize, stats

__all__ = ["Estimate", "PairedDifference", "TangoDifference", "holm", "required_n", "tango_variance", "wilson"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval."""

    value: float
    low: float
    high: float

    def negated(self) -> Estimate:
        """The estimate of minus the quantity."""
        return Estimate(-self.value, -self.high, -self.low)


class PairedDifference(Protocol):
    """An estimate of the mean paired difference, by whatever method."""

    def interval(self, alpha: float) -> Estimate:
        """Two one-sided bounds, each missed with probability alpha: a 1 - 2 * alpha interval."""
        ...

    def p_above(self, null: float) -> float:
        """One-sided p of "the true difference is at most `null`"; at most alpha when the low bound is above `null`."""
        ...

    def p_below(self, null: float) -> float:
        """One-sided p of "the true difference is at least `null`"."""
        ...


@dataclass(frozen=True, slots=True)
class TangoDifference:
    """Difference of two paired proportions by Tango's score method; good where few pairs differ and Wald's is not.

    Args:
        n: Pairs.
        gained: Pairs where only the candidate is right.
        lost: Pairs where only the baseline is right.

    Source: Tango 1998, Statistics in Medicine 17:891-908.
    """

    n: int
    gained: int
    lost: int

    @property
    def value(self) -> float:
        """The observed difference."""
        return (self.gained - self.lost) / self.n

    def z(self, null: float) -> float:
        """The score statistic of "the true difference is `null`"; falls as `null` rises."""
        variance = tango_variance(self.gained / self.n, self.lost / self.n, null)
        excess = self.value - null
        if variance <= 1e-12:  # nothing can be discordant under this null
            return 0.0 if abs(excess) < 1e-9 else math.copysign(math.inf, excess)
        return excess * math.sqrt(self.n / variance)

    def interval(self, alpha: float) -> Estimate:
        """See `PairedDifference`."""
        z = float(stats.norm.isf(alpha))
        return Estimate(self.value, self._bound(z, -1.0), self._bound(-z, 1.0))

    def _bound(self, z: float, end: float) -> float:
        """The null between `end` and the observed difference whose statistic is z."""
        if abs(self.value - end) < 1e-12 or abs(self.z(end)) <= abs(z):
            return end
        return float(optimize.brentq(lambda null: _finite(self.z(null)) - z, *sorted((end, self.value)), xtol=1e-12))

    def p_above(self, null: float) -> float:
        """See `PairedDifference`."""
        return float(stats.norm.sf(self.z(null)))

    def p_below(self, null: float) -> float:
        """See `PairedDifference`."""
        return float(stats.norm.cdf(self.z(null)))


def tango_variance(gained: float, lost: float, null: float) -> float:
    """Variance of one pair's difference under "the true difference is `null`", for observed shares gained and lost.

    The share lost is its maximum-likelihood estimate under that null: the root of 2 x^2 + b x + c.
    """
    b = -gained - lost + (2 - gained + lost) * null
    c = -lost * null * (1 - null)
    root = math.sqrt(max(b * b - 8 * c, 0.0))
    lost_under_null = (root - b) / 4 if b <= 0 else -2 * c / (root + b)  # the second form keeps its digits for b > 0
    return 2 * lost_under_null + null * (1 - null)


def _finite(z: float) -> float:
    return max(min(z, 1e12), -1e12)


def wilson(correct: int, n: int, confidence: float = 0.95) -> Estimate:
    """A proportion with Wilson's score interval."""
    bounds = stats.binomtest(correct, n).proportion_ci(confidence, method="wilson")
    return Estimate(correct / n, float(bounds.low), float(bounds.high))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment, in the order given; at most 1."""
    order = np.argsort(p_values, kind="stable")
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def required_n(
    variance: float,
    difference: float,
    margin: float,
    alpha: float,
    *,
    null_variance: float | None = None,
    power: float = 0.8,
) -> int | None:
    """Documents needed to settle, with the given power, on which side of -margin the difference lies.

    Args:
        variance: Of one document's difference; for clusters, n times the variance of the mean.
        difference: Assumed true difference.
        margin: Non-inferiority margin, above 0.
        alpha: One-sided level.
        null_variance: The same if the difference lies on the margin; None: as `variance`.
        power: Probability of settling it.

    Returns:
        None where no number settles it, as the difference lies on the margin.
    """
    distance = abs(difference + margin)
    if distance < 1e-12:
        return None
    z_alpha, z_power = float(stats.norm.isf(alpha)), float(stats.norm.ppf(power))
    spread = z_alpha * math.sqrt(variance if null_variance is None else null_variance) + z_power * math.sqrt(variance)
    by_variance = (spread / distance) ** 2
    by_unseen = z_alpha**2 * (1 - min(distance, 1.0)) / distance  # Tango's bound when nothing is discordant
    return max(1, math.ceil(max(by_variance, by_unseen)))
