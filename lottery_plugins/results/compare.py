"""Compare tickets with an original: the function behind `lottery compare`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.results.align import AlignedTask, align
from lottery_plugins.results.bootstrap import ClusterBootstrap
from lottery_plugins.results.comparison import (
    STUDY_ARMS,
    ArmResult,
    Comparison,
    GroupVerdict,
    Judged,
    TaskComparison,
)
from lottery_plugins.results.load import load_run
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.statistics import Estimate, PairedDifference, TangoDifference, holm, required_n, wilson
from lottery_plugins.results.verdict import TaskTest, Verdict, against_margin, group_verdict, judge

__all__ = ["compare", "compare_study"]

_CONFIDENCE = 0.95
_FEW_CLUSTERS = 20

Floats = NDArray[np.float64]


def compare(
    original: Path,
    tickets: Mapping[str, Path],
    options: CompareOptions | None = None,
    *,
    original_name: str = "original",
) -> Comparison:
    """Judge each ticket against the original.

    Args:
        original: Output folder of lm-eval, or one results file.
        tickets: The same by name, at least one. With the names of `STUDY_ARMS`, the interaction is reported too.
        options: Settings; None: the usual ones.
        original_name: Its name in the tables.

    Raises:
        LotteryError: The runs can't be read or paired.
    """
    options = options or CompareOptions()
    if not tickets or original_name in tickets:
        raise ConfigError("tickets", sorted(tickets), f"one name or more other than {original_name!r}")
    baseline = load_run(original, original_name)
    candidates = [load_run(path, name) for name, path in tickets.items()]
    aligned, notes = align(baseline, candidates, options)
    estimates = {task.task: _differences(task, original_name, options) for task in aligned}
    judged, abilities, overall = _judge_arms(aligned, estimates, list(tickets), options)
    tasks = tuple(_task_comparison(task, judged, options) for task in aligned)
    return Comparison(
        baseline=original_name,
        folders={original_name: str(original), **{name: str(path) for name, path in tickets.items()}},
        options=options,
        tasks=tasks,
        abilities=abilities,
        overall=overall,
        notes=(*notes, *_cluster_notes(tasks)),
    )


def compare_study(arms: Mapping[str, Path], options: CompareOptions | None = None) -> Comparison:
    """Judge the arms of a study against original-plain.

    Args:
        arms: Folder by arm; original-plain and one or more others of `STUDY_ARMS`.
        options: Settings; None: the usual ones.
    """
    unknown = sorted(set(arms) - set(STUDY_ARMS))
    if unknown:
        raise ConfigError("--arms", unknown[0], ", ".join(STUDY_ARMS))
    present = [arm for arm in STUDY_ARMS if arm in arms]
    if STUDY_ARMS[0] not in present or len(present) < 2:
        got = ", ".join(present) or "none"
        raise DataError("The study", f"needs {STUDY_ARMS[0]} and one other arm or more, but has {got}")
    return compare(arms[STUDY_ARMS[0]], {arm: arms[arm] for arm in present[1:]}, options, original_name=STUDY_ARMS[0])


def _differences(task: AlignedTask, baseline: str, options: CompareOptions) -> dict[str, PairedDifference]:
    """The estimate of each arm's difference from the baseline."""
    reference = task.arms[baseline]
    return {arm: _difference(reference, s, task, options) for arm, s in task.arms.items() if arm != baseline}


def _difference(reference: Floats, scores: Floats, task: AlignedTask, options: CompareOptions) -> PairedDifference:
    if _is_tango(task):
        gained, lost = int(np.sum(scores > reference)), int(np.sum(scores < reference))
        return TangoDifference(scores.size, gained, lost)
    return ClusterBootstrap.of(scores - reference, task.clusters, seed=options.seed, resamples=options.resamples)


def _is_tango(task: AlignedTask) -> bool:
    """Whether every score is right or wrong, and every document its own cluster."""
    return task.clusters is None and all(_is_binary(scores) for scores in task.arms.values())


def _is_binary(scores: Floats) -> bool:
    return bool(np.isin(scores, (0.0, 1.0)).all())


def _judge_arms(
    tasks: list[AlignedTask],
    estimates: Mapping[str, Mapping[str, PairedDifference]],
    arms: list[str],
    options: CompareOptions,
) -> tuple[dict[tuple[str, str], Judged], tuple[GroupVerdict, ...], tuple[GroupVerdict, ...]]:
    """Verdicts by (task, arm), by ability, and overall; Holm's correction over the tasks of each arm."""
    judged: dict[tuple[str, str], Judged] = {}
    abilities: list[GroupVerdict] = []
    overall: list[GroupVerdict] = []
    for arm in arms:
        own = [task for task in tasks if arm in task.arms]
        tests = [against_margin(estimates[task.task][arm], task.margin) for task in own]
        adjusted = holm([test.p_non_inferior for test in tests])
        verdicts = judge(tests, options.alpha)
        for task, test, p, verdict in zip(own, tests, adjusted, verdicts, strict=True):
            found = _judged(estimates[task.task][arm], test, p, verdict, task, options)
            judged[task.task, arm] = (
                found
                if verdict != "inconclusive"
                else _with_required_n(found, estimates[task.task][arm], task, options.alpha / len(own))
            )
        for ability in ["", *dict.fromkeys(task.ability for task in own if task.ability)]:
            members = [i for i, task in enumerate(own) if ability in ("", task.ability)]
            verdict = group_verdict([tests[i] for i in members], [verdicts[i] for i in members], options.alpha)
            names = tuple(own[i].task for i in members)
            group = GroupVerdict(name=ability or "all", arm=arm, verdict=verdict, tasks=names)
            (abilities if ability else overall).append(group)
    return judged, tuple(abilities), tuple(overall)


def _judged(
    estimate: PairedDifference, test: TaskTest, p: float, verdict: Verdict, task: AlignedTask, options: CompareOptions
) -> Judged:
    return Judged(
        difference=_clipped(estimate.interval(options.alpha), task, -1.0),
        verdict=verdict,
        p_non_inferior=test.p_non_inferior,
        p_adjusted=p,
        p_inferior=test.p_inferior,
    )


def _with_required_n(judged: Judged, estimate: PairedDifference, task: AlignedTask, alpha: float) -> Judged:
    """Add how many documents would settle it, at the level that Holm's first step asks for."""
    value, n = judged.difference.value, next(iter(task.arms.values())).size
    if isinstance(estimate, TangoDifference):
        discordance = (estimate.gained + estimate.lost) / n
    else:
        assert isinstance(estimate, ClusterBootstrap)
        discordance = float(n * estimate.means.var()) + value**2
    return replace(
        judged,
        required_n=required_n(discordance - value**2, value, task.margin, alpha),
        required_n_if_equal=required_n(discordance, 0.0, task.margin, alpha),
    )


def _clipped(estimate: Estimate, task: AlignedTask, least: float) -> Estimate:
    """Bounds inside what scores in [0, 1] allow."""
    if any(scores.min() < 0 or scores.max() > 1 for scores in task.arms.values()):
        return estimate
    return Estimate(estimate.value, max(estimate.low, least), min(estimate.high, 1.0))


def _task_comparison(
    task: AlignedTask, judged: Mapping[tuple[str, str], Judged], options: CompareOptions
) -> TaskComparison:
    reference = next(iter(task.arms.values()))
    return TaskComparison(
        task=task.task,
        ability=task.ability,
        metric=task.metric,
        filter=task.filter,
        higher_is_better=task.higher_is_better,
        margin=task.margin,
        num_documents=reference.size,
        num_clusters=reference.size if task.clusters is None else len(set(task.clusters)),
        method="Tango score" if _is_tango(task) else "BCa bootstrap",
        arms=tuple(_arm_result(task, arm, judged.get((task.task, arm)), options) for arm in task.arms),
        interaction=_interaction(task, options),
    )


def _arm_result(task: AlignedTask, arm: str, judged: Judged | None, options: CompareOptions) -> ArmResult:
    ledger = task.runs[arm].file.ledger
    counters = ledger.tasks.get(task.task) if ledger else None
    return ArmResult(
        arm=arm,
        score=_score(task, task.arms[arm], options),
        failed=counters.failed if counters else None,
        counters=counters,
        weights=ledger.weights if ledger else None,
        judged=judged,
    )


def _score(task: AlignedTask, scores: Floats, options: CompareOptions) -> Estimate:
    """Mean score in the metric's own direction with its 95 % interval."""
    if task.clusters is None and _is_binary(scores):
        estimate = wilson(int(scores.sum()), scores.size, _CONFIDENCE)
    else:
        estimate = _bootstrap(scores, task, options, 0.0)
    return estimate if task.higher_is_better else estimate.negated()


def _bootstrap(values: Floats, task: AlignedTask, options: CompareOptions, least: float) -> Estimate:
    bootstrap = ClusterBootstrap.of(values, task.clusters, seed=options.seed, resamples=options.resamples)
    return _clipped(bootstrap.interval((1 - _CONFIDENCE) / 2), task, least)


def _interaction(task: AlignedTask, options: CompareOptions) -> Estimate | None:
    """(compressed augmented - plain) - (original augmented - plain), document by document."""
    if not all(arm in task.arms for arm in STUDY_ARMS):
        return None
    original_plain, original_augmented, compressed_plain, compressed_augmented = (task.arms[a] for a in STUDY_ARMS)
    gain = (compressed_augmented - compressed_plain) - (original_augmented - original_plain)
    return ClusterBootstrap.of(gain, task.clusters, seed=options.seed, resamples=options.resamples).interval(
        (1 - _CONFIDENCE) / 2
    )


def _cluster_notes(tasks: tuple[TaskComparison, ...]) -> list[str]:
    return [
        f"{t.task} has only {t.num_clusters} independent clusters: its intervals are rough."
        for t in tasks
        if t.num_clusters < _FEW_CLUSTERS
    ]
