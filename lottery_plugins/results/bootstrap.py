"""The mean of paired differences, or of scores, when documents come in clusters or scores are graded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lottery_plugins.results.statistics import Estimate

__all__ = ["ClusterBootstrap"]

Floats = NDArray[np.float64]

_ENOUGH = 5
_CHUNK = 2_000_000
_FEW_KINDS = 64
_NOTHING = 1e-12  # a spread below this, of scores of about 1, is rounding


@dataclass(frozen=True, slots=True, eq=False)
class ClusterBootstrap:
    """Mean of per-document values: the farther of the bounds by Student's t and by the bootstrap-t over clusters.

    Student's t keeps its level where differences are symmetric, as those of F1 mostly are, down to eight clusters.
    Where few documents lose much its bound on that side is too near; the bootstrap-t has quantiles as skewed as the
    data, and mends most of that. Neither sees what did not vary: where fewer than five clusters differ from the rest, a
    bound is never nearer than the rule of three allows, or forty equal answers would prove parity. A share of
    1 - alpha ** (1 / K) of K clusters may differ, by up to `unseen_scale`, and not be seen.

    How often a bound missed at nominal 0.05 (`benchmarks/verdict_simulation.py --simulations 4000`): 0.021 to 0.058 for
    F1-like, smooth, much tied and right-or-wrong differences of 20 to 1,000 documents in 8 to 100 clusters. On the side
    of a long tail of losses 0.052 to 0.065, in 8 to 40 correlated clusters 0.067 to 0.082; with one answer in eight
    lost altogether and the others all but equal 0.129 at 20 documents, and 0.055 or less from 50 on.

    Attributes:
        value: Mean over documents.
        error: Its standard error over clusters; 0 for one cluster.
        ratios: Bootstrap replicates of (mean - value) / error, each with its own error, ascending; those without any
            spread are left out.
        clusters: Number of clusters.
        unseen_scale: How far one unseen document may lie from the rest; 0 where five clusters or more differ.

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, 12.5; clusters as in Field and Welsh 2007, JRSS
    B 69:369-390.
    """

    value: float
    error: float
    ratios: Floats
    clusters: int
    unseen_scale: float

    @classmethod
    def of(
        cls,
        values: Sequence[float] | Floats,
        clusters: Sequence[Any] | None = None,
        *,
        seed: int = 0,
        resamples: int = 9999,
    ) -> ClusterBootstrap:
        """Resample.

        Args:
            values: One number per document, at least one.
            clusters: Label of each document's cluster; None: each document is its own.
            seed: The same seed and data give the same replicates.
            resamples: Bootstrap replicates.
        """
        data = np.asarray(values, dtype=np.float64)
        labels = np.arange(data.size) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
        sums, sizes = np.bincount(labels, data).astype(np.float64), np.bincount(labels).astype(np.float64)
        count, mean = sums.size, float(sums.sum() / sizes.sum())
        gaps = np.stack([sums - mean * sizes, sizes])  # (2, clusters)
        _, error = _means(np.ones((1, count)), gaps)
        ratios = _ratios(gaps, np.random.default_rng(seed), resamples) if count > 1 else np.empty(0)
        return cls(mean, float(error[0]), np.sort(ratios), count, _unseen_scale(sums / sizes, data))

    def interval(self, alpha: float) -> Estimate:
        """See `PairedDifference`."""
        low = high = self.unseen_scale * -math.expm1(math.log(alpha) / self.clusters)
        if self._has_spread:
            student = float(stats.t.isf(alpha, self.clusters - 1))
            upper, lower = np.quantile(self.ratios, [1 - alpha, alpha])
            low = max(low, self.error * max(student, float(upper)))
            high = max(high, self.error * max(student, -float(lower)))
        return Estimate(self.value, self.value - low, self.value + high)

    @property
    def _has_spread(self) -> bool:
        return self.error > _NOTHING and self.ratios.size > 0

    def p_above(self, null: float) -> float:
        """See `PairedDifference`."""
        ratios = self._ratio_p(null, 1) if self._has_spread else 0.0
        return max(self._unseen_p(self.value - null), ratios)

    def p_below(self, null: float) -> float:
        """See `PairedDifference`."""
        ratios = self._ratio_p(null, -1) if self._has_spread else 0.0
        return max(self._unseen_p(null - self.value), ratios)

    def _unseen_p(self, distance: float) -> float:
        """The alpha at which the rule of three's bound is this far from the mean."""
        if self.unseen_scale == 0:
            return 0.0
        return float(np.clip(1 - distance / self.unseen_scale, 0.0, 1.0)) ** self.clusters

    def _ratio_p(self, null: float, sign: int) -> float:
        """The alpha at which the farther of the two bounds is at the null."""
        ratio = (self.value - null) / self.error
        below = self._share_below(ratio, "left" if sign > 0 else "right")
        least = 1 / (self.ratios.size + 1)  # beyond all replicates: as small as they can tell
        resampled = min(max(1 - below if sign > 0 else below, least), 1 - least)
        return max(float(stats.t.sf(sign * ratio, self.clusters - 1)), resampled)

    def _share_below(self, ratio: float, side: Literal["left", "right"]) -> float:
        """Inverse of the quantile function that `interval` uses; at ties the share that makes p larger."""
        above, last = int(np.searchsorted(self.ratios, ratio, side)), self.ratios.size - 1
        if above in (0, last + 1):
            return float(above > 0)
        low, high = self.ratios[above - 1], self.ratios[above]
        return float((above - 1 + (ratio - low) / (high - low)) / last)


def _means(drawn: Floats, kinds: Floats) -> tuple[Floats, Floats]:
    """Mean of samples of clusters, and its standard error.

    Args:
        drawn: How often each kind is in each sample, (samples, kinds).
        kinds: Sum and size of each kind of cluster, (2, kinds).
    """
    sums, sizes = kinds
    number = float(drawn[0].sum())
    total_size = drawn @ sizes
    means = (drawn @ sums) / total_size
    squares = drawn @ sums**2 - 2 * means * (drawn @ (sums * sizes)) + means**2 * (drawn @ sizes**2)
    spread = np.sqrt(np.maximum(squares, 0.0) * number / max(number - 1, 1.0))
    return means, spread / total_size if number > 1 else np.zeros_like(means)


def _ratios(gaps: Floats, rng: np.random.Generator, resamples: int) -> Floats:
    """Mean over standard error of resampled clusters, whose sums are taken from the mean.

    Only how often each kind of cluster (sum and size) is drawn matters, so counts are drawn: right-or-wrong
    scores have three or four kinds. Kinds are in order of appearance, so that negated values give negated replicates.
    """
    kinds, first, counts = np.unique(gaps, axis=1, return_index=True, return_counts=True)
    order = np.argsort(first)
    kinds, shares, count = kinds[:, order], counts[order] / gaps.shape[1], gaps.shape[1]
    found = []
    step = max(1, _CHUNK // count)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        if order.size <= _FEW_KINDS:
            means, errors = _means(rng.multinomial(count, shares, size=size).astype(np.float64), kinds)
        else:
            picks = rng.integers(count, size=(size, count)) + count * np.arange(size)[:, None]  # (replicates, clusters)
            drawn = np.bincount(picks.ravel(), minlength=size * count).reshape(size, count)
            means, errors = _means(drawn.astype(np.float64), gaps)
        has_spread = errors > _NOTHING
        found.append(means[has_spread] / errors[has_spread])
    return np.concatenate(found)


def _unseen_scale(cluster_means: Floats, data: Floats) -> float:
    """The range of scores in [0, 1], or the observed one if wider; 0 where the clusters vary enough."""
    _, counts = np.unique(cluster_means.round(12), return_counts=True)
    return 0.0 if cluster_means.size - counts.max() >= _ENOUGH else max(1.0, float(np.ptp(data)))
