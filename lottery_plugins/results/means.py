"""The mean score of one run on one task, with its 95 % interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lottery_plugins.results.bootstrap import ClusterBootstrap
from lottery_plugins.results.statistics import Estimate, wilson

__all__ = ["is_binary", "mean_score"]

_CONFIDENCE = 0.95

Floats = NDArray[np.float64]


def mean_score(
    scores: Sequence[float] | Floats, clusters: Sequence[Any] | None = None, *, seed: int = 0, resamples: int = 9999
) -> Estimate:
    """The mean over documents.

    Wilson's interval where each document is right or wrong and its own cluster, else the bootstrap over clusters,
    whose bounds stay in [0, 1] where all scores do.

    Args:
        scores: One for each document, at least one.
        clusters: Label of each document's cluster; None: each is its own.
        seed: Of the bootstrap.
        resamples: Of the bootstrap.
    """
    values = np.asarray(scores, dtype=np.float64)
    if clusters is None and is_binary(values):
        return wilson(int(values.sum()), values.size, _CONFIDENCE)
    bootstrap = ClusterBootstrap.of(values, clusters, seed=seed, resamples=resamples)
    estimate = bootstrap.interval((1 - _CONFIDENCE) / 2)
    if values.min() < 0 or values.max() > 1:
        return estimate
    return Estimate(estimate.value, max(estimate.low, 0.0), min(estimate.high, 1.0))


def is_binary(scores: Floats) -> bool:
    """Whether every score is 0 or 1."""
    return bool(np.isin(scores, (0.0, 1.0)).all())
