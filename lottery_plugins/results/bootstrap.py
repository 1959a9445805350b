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


@dataclass(frozen=True, slots=True, eq=False)
class ClusterBootstrap:
    """Mean of per-document values by the BCa bootstrap that resamples whole clusters.

    Two corrections for small samples. Bounds are taken at Student's quantiles, widened by sqrt(K / (K - 1)) for K
    clusters. And where fewer than five clusters differ from the rest, a bound is never nearer than the rule of three
    allows: a bootstrap takes what did not vary for certain, so forty equal answers would prove parity; but a share of
    1 - alpha ** (1 / K) of all clusters may differ, by up to `unseen_scale`, and not be seen.

    Attributes:
        value: Mean over documents.
        means: Its bootstrap replicates, ascending.
        bias: BCa's z0.
        acceleration: BCa's a, by the jackknife over clusters.
        clusters: Number of clusters.
        unseen_scale: How far one unseen document may lie from the rest; 0 where five clusters or more differ.

    Source: Efron 1987, JASA 82:171-185; clusters as in Field and Welsh 2007, JRSS B 69:369-390; Student's quantiles as
    in Hesterberg 2015, The American Statistician 69:371-386.
    """

    value: float
    means: Floats
    bias: float
    acceleration: float
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
        rng = np.random.default_rng(seed)
        means = np.empty(resamples)
        step = max(1, 2_000_000 // count)
        for start in range(0, resamples, step):
            picks = rng.integers(count, size=(min(step, resamples - start), count))  # (replicates, clusters)
            means[start : start + step] = sums[picks].sum(axis=1) / sizes[picks].sum(axis=1)
        tolerance = 1e-12 * max(1.0, float(np.abs(data).max()))
        below, ties = np.mean(means < mean - tolerance), np.mean(np.abs(means - mean) <= tolerance)
        share = float(np.clip(below + ties / 2, 1 / (resamples + 1), resamples / (resamples + 1)))
        bias, scale = float(stats.norm.ppf(share)), _unseen_scale(sums / sizes, data)
        return cls(mean, np.sort(means), bias, _acceleration(sums, sizes), count, scale)

    def interval(self, alpha: float) -> Estimate:
        """See `PairedDifference`."""
        z = float(stats.t.isf(alpha, self.clusters - 1)) * self._widening if self.clusters > 1 else 0.0
        unseen = self.unseen_scale * -math.expm1(math.log(alpha) / self.clusters)
        low = float(np.quantile(self.means, self._share(-z)))
        high = float(np.quantile(self.means, self._share(z)))
        return Estimate(self.value, min(low, self.value - unseen), max(high, self.value + unseen))

    @property
    def _widening(self) -> float:
        return math.sqrt(self.clusters / (self.clusters - 1))

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
        if self.unseen_scale == 0:
            return 0.0
        return float(np.clip(1 - distance / self.unseen_scale, 0.0, 1.0)) ** self.clusters

    def _share_up_to(self, null: float, side: Literal["left", "right"]) -> float:
        """Inverse of the quantile function that `interval` uses; at ties the share that makes p larger."""
        above, last = int(np.searchsorted(self.means, null, side)), self.means.size - 1
        if above in (0, last + 1):
            return float(above > 0)
        low, high = self.means[above - 1], self.means[above]
        return float((above - 1 + (null - low) / (high - low)) / last)

    def _bca_p(self, share: float, sign: int) -> float:
        """The alpha at which BCa's bound is the quantile of this share."""
        if self.clusters < 2:
            return 0.0  # one cluster has no spread: the rule of three decides
        if share in (0.0, 1.0):  # beyond all replicates: as small, or as large, as they can tell
            least = 1 / (self.means.size + 1)
            return least if (share == 0) == (sign > 0) else 1 - least
        w = float(stats.norm.ppf(share)) - self.bias
        stretch = 1 + self.acceleration * w
        z = w / stretch - self.bias if stretch > 0 else math.copysign(math.inf, w)
        return float(stats.t.cdf(sign * z / self._widening, self.clusters - 1))


def _unseen_scale(cluster_means: Floats, data: Floats) -> float:
    """The range of scores in [0, 1], or the observed one if wider; 0 where the clusters vary enough."""
    _, counts = np.unique(cluster_means.round(12), return_counts=True)
    return 0.0 if cluster_means.size - counts.max() >= _ENOUGH else max(1.0, float(np.ptp(data)))


def _acceleration(sums: Floats, sizes: Floats) -> float:
    """Skewness of the jackknife over clusters, over 6."""
    if sums.size < 2:
        return 0.0
    left_out = (sums.sum() - sums) / (sizes.sum() - sizes)
    gaps = left_out.mean() - left_out
    spread = float(np.sum(gaps**2))
    return float(np.sum(gaps**3)) / (6 * spread**1.5) if spread > 1e-18 else 0.0
