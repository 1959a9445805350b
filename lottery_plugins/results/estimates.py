"""The estimates of one task: scores, differences from the baseline, and the interaction of a study."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lottery_plugins.results.align import AlignedTask
from lottery_plugins.results.bootstrap import ClusterBootstrap
from lottery_plugins.results.comparison import STUDY_ARMS
from lottery_plugins.results.means import is_binary, mean_score
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.statistics import Estimate, PairedDifference, TangoDifference

__all__ = ["clipped", "difference_of", "differences", "interaction", "is_tango", "score"]

Floats = NDArray[np.float64]


def differences(task: AlignedTask, baseline: str, options: CompareOptions) -> dict[str, PairedDifference]:
    """The estimate of each arm's difference from the baseline."""
    return {arm: difference_of(task, baseline, arm, options) for arm in task.arms if arm != baseline}


def difference_of(task: AlignedTask, baseline: str, arm: str, options: CompareOptions) -> PairedDifference:
    """The estimate of one arm's difference from another."""
    reference, scores = task.arms[baseline], task.arms[arm]
    if is_tango(task):
        gained, lost = int(np.sum(scores > reference)), int(np.sum(scores < reference))
        return TangoDifference(scores.size, gained, lost)
    return ClusterBootstrap.of(scores - reference, task.clusters, seed=options.seed, resamples=options.resamples)


def is_tango(task: AlignedTask) -> bool:
    """Whether every score is right or wrong, and every document its own cluster."""
    return task.clusters is None and all(is_binary(scores) for scores in task.arms.values())


def score(task: AlignedTask, scores: Floats, options: CompareOptions) -> Estimate:
    """Mean score in the metric's own direction with its 95 % interval."""
    estimate = mean_score(scores, task.clusters, seed=options.seed, resamples=options.resamples)
    return estimate if task.higher_is_better else estimate.negated()


def interaction(task: AlignedTask, options: CompareOptions) -> Estimate | None:
    """(compressed augmented - plain) - (original augmented - plain), document by document."""
    if not all(arm in task.arms for arm in STUDY_ARMS):
        return None
    original_plain, original_augmented, compressed_plain, compressed_augmented = (task.arms[a] for a in STUDY_ARMS)
    gain = (compressed_augmented - compressed_plain) - (original_augmented - original_plain)
    bootstrap = ClusterBootstrap.of(gain, task.clusters, seed=options.seed, resamples=options.resamples)
    return bootstrap.interval(options.alpha)


def clipped(estimate: Estimate, task: AlignedTask, least: float) -> Estimate:
    """Bounds inside what scores in [0, 1] allow."""
    if any(scores.min() < 0 or scores.max() > 1 for scores in task.arms.values()):
        return estimate
    return Estimate(estimate.value, max(estimate.low, least), min(estimate.high, 1.0))
