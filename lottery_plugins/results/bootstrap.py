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


@dataclass(frozen=True, slots=True, eq=False)
class ClusterBootstrap:
    """Mean of per-document values by the BCa bootstrap that resamples whole clusters.

    A bootstrap takes what did not vary in the sample for certain: forty equal answers would prove parity. So a bound
    is never nearer than it would be had no cluster differed at all (rule of three: with K clusters, a share of
    1 - alpha ** (1 / K) may differ unseen, by up to `scale`).

    Attributes:
        value: Mean over documents.
        means: Its bootstrap replicates, ascending.
        bias: BCa's z0.
        acceleration: BCa's a, by the jackknife over clusters.
        clusters: Number of clusters.
        scale: Largest difference that one document can make.

    Source: Efron 1987, JASA 82:171-185; clusters as in Field and Welsh 2007, JRSS B 69:369-390.
    """

    value: float
    means: Floats
    bias: float
    acceleration: float
    clusters: int
    scale: float

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
        rng = np.random.default_rng(seed)
        means = np.empty(resamples)
        step = max(1, 2_000_000 // count)
        for start in range(0, resamples, step):
            picks = rng.integers(count, size=(min(step, resamples - start), count))  # (replicates, clusters)
            means[start : start + step] = sums[picks].sum(axis=1) / sizes[picks].sum(axis=1)
        tolerance = 1e-12 * max(1.0, float(np.abs(data).max()))
        below, ties = np.mean(means < mean - tolerance), np.mean(np.abs(means - mean) <= tolerance)
        share = float(np.clip(below + ties / 2, 1 / (resamples + 1), resamples / (resamples + 1)))
        scale = max(1.0, float(np.ptp(data)))
        return cls(mean, np.sort(means), float(stats.norm.ppf(share)), _acceleration(sums, sizes), count, scale)

    def interval(self, alpha: float) -> Estimate:
        """See `PairedDifference`."""
        z = float(stats.norm.isf(alpha))
        unseen = self.scale * -math.expm1(math.log(alpha) / self.clusters)
        low = float(np.quantile(self.means, self._share(-z)))
        high = float(np.quantile(self.means, self._share(z)))
        return Estimate(self.value, min(low, self.value - unseen), max(high, self.value + unseen))

    def _share(self, z: float) -> float:
        """Share of replicates below the BCa bound of normal quantile z."""
        shifted = self.bias + z
        stretch = 1 - self.acceleration * shifted
        return float(stats.norm.cdf(self.bias + shifted / stretch)) if stretch > 0 else float(shifted > 0)

    def p_above(self, null: float) -> float:
        """See `PairedDifference`."""
        return max(self._unseen_p(self.value - null), self._bca_p(self._share_up_to(null, "right"), 1))

    def p_below(self, null: float) -> float:
        """See `PairedDifference`."""
        return max(self._unseen_p(null - self.value), self._bca_p(self._share_up_to(null, "left"), -1))

    def _unseen_p(self, distance: float) -> float:
        """The alpha at which the rule of three's bound is this far from the mean."""
        return float(np.clip(1 - distance / self.scale, 0.0, 1.0)) ** self.clusters

    def _share_up_to(self, null: float, side: Literal["left", "right"]) -> float:
        """Inverse of the quantile function that `interval` uses; at ties the share that makes p larger."""
        above, last = int(np.searchsorted(self.means, null, side)), self.means.size - 1
        if above in (0, last + 1):
            return float(above > 0)
        low, high = self.means[above - 1], self.means[above]
        return float((above - 1 + (null - low) / (high - low)) / last)

    def _bca_p(self, share: float, sign: int) -> float:
        """The alpha at which BCa's bound is the quantile of this share."""
        least = 1 / (self.means.size + 1)
        w = float(stats.norm.ppf(np.clip(share, least, 1 - least))) - self.bias
        stretch = 1 + self.acceleration * w
        z = w / stretch - self.bias if stretch > 0 else math.copysign(math.inf, w)
        return float(stats.norm.cdf(sign * z))


def _acceleration(sums: Floats, sizes: Floats) -> float:
    """Skewness of the jackknife over clusters, over 6."""
    if sums.size < 2:
        return 0.0
    left_out = (sums.sum() - sums) / (sizes.sum() - sizes)
    gaps = left_out.mean() - left_out
    spread = float(np.sum(gaps**2))
    return float(np.sum(gaps**3)) / (6 * spread**1.5) if spread > 1e-18 else 0.0
