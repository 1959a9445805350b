"""The estimates of one task: scores, differences from the baseline, and the interaction of a study."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lottery_plugins.results.align import AlignedTask
from lottery_plugins.results.bootstrap import ClusterBootstrap
from lottery_plugins.results.comparison import STUDY_ARMS
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.statistics import Estimate, PairedDifference, TangoDifference, wilson

__all__ = ["clipped", "differences", "interaction", "is_tango", "score"]

_CONFIDENCE = 0.95

Floats = NDArray[np.float64]


def differences(task: AlignedTask, baseline: str, options: CompareOptions) -> dict[str, PairedDifference]:
    """The estimate of each arm's difference from the baseline."""
    reference = task.arms[baseline]
    return {arm: _difference(reference, s, task, options) for arm, s in task.arms.items() if arm != baseline}


def _difference(reference: Floats, scores: Floats, task: AlignedTask, options: CompareOptions) -> PairedDifference:
    if is_tango(task):
        gained, lost = int(np.sum(scores > reference)), int(np.sum(scores < reference))
        return TangoDifference(scores.size, gained, lost)
    return ClusterBootstrap.of(scores - reference, task.clusters, seed=options.seed, resamples=options.resamples)


def is_tango(task: AlignedTask) -> bool:
    """Whether every score is right or wrong, and every document its own cluster."""
    return task.clusters is None and all(_is_binary(scores) for scores in task.arms.values())


def _is_binary(scores: Floats) -> bool:
    return bool(np.isin(scores, (0.0, 1.0)).all())


def score(task: AlignedTask, scores: Floats, options: CompareOptions) -> Estimate:
    """Mean score in the metric's own direction with its 95 % interval."""
    if task.clusters is None and _is_binary(scores):
        estimate = wilson(int(scores.sum()), scores.size, _CONFIDENCE)
    else:
        estimate = _bootstrap(scores, task, options, 0.0)
    return estimate if task.higher_is_better else estimate.negated()


def interaction(task: AlignedTask, options: CompareOptions) -> Estimate | None:
    """(compressed augmented - plain) - (original augmented - plain), document by document."""
    if not all(arm in task.arms for arm in STUDY_ARMS):
        return None
    original_plain, original_augmented, compressed_plain, compressed_augmented = (task.arms[a] for a in STUDY_ARMS)
    gain = (compressed_augmented - compressed_plain) - (original_augmented - original_plain)
    return ClusterBootstrap.of(gain, task.clusters, seed=options.seed, resamples=options.resamples).interval(
        (1 - _CONFIDENCE) / 2
    )


def _bootstrap(values: Floats, task: AlignedTask, options: CompareOptions, least: float) -> Estimate:
    bootstrap = ClusterBootstrap.of(values, task.clusters, seed=options.seed, resamples=options.resamples)
    return clipped(bootstrap.interval((1 - _CONFIDENCE) / 2), task, least)


def clipped(estimate: Estimate, task: AlignedTask, least: float) -> Estimate:
    """Bounds inside what scores in [0, 1] allow."""
    if any(scores.min() < 0 or scores.max() > 1 for scores in task.arms.values()):
        return estimate
    return Estimate(estimate.value, max(estimate.low, least), min(estimate.high, 1.0))
