"""Compare tickets with an original: the function behind `lottery compare`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lottery_plugins.errors import ConfigError
from lottery_plugins.results.align import AlignedTask, align
from lottery_plugins.results.bootstrap import ClusterBootstrap
from lottery_plugins.results.chosen import study_arms
from lottery_plugins.results.comparison import (
    ArmResult,
    Comparison,
    GroupVerdict,
    Judged,
    TaskComparison,
)
from lottery_plugins.results.controls import control_notes, find_controls
from lottery_plugins.results.costs import joules_of
from lottery_plugins.results.estimates import clipped, differences, interaction, is_tango, score
from lottery_plugins.results.load import Run, load_run
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.proxies import proxy_notes
from lottery_plugins.results.sensitivity import verdicts_without_failed
from lottery_plugins.results.statistics import PairedDifference, TangoDifference, holm, required_n, tango_variance
from lottery_plugins.results.verdict import TaskTest, Verdict, against_margin, group_verdict, judge

__all__ = ["compare", "compare_runs", "compare_study"]

_FEW_CLUSTERS = 20


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
    return compare_runs(baseline, [load_run(path, name) for name, path in tickets.items()], options)


def compare_runs(baseline: Run, candidates: Sequence[Run], options: CompareOptions) -> Comparison:
    """The same for runs that are loaded; with no candidates only scores and costs are found."""
    aligned, notes = align(baseline, candidates, options)
    estimates = {task.task: differences(task, baseline.name, options) for task in aligned}
    arms = [run.name for run in candidates]
    judged, abilities, overall = _judge_arms(aligned, estimates, baseline.name, arms, options)
    tasks = tuple(_task_comparison(task, judged, options) for task in aligned)
    controls = find_controls(aligned, options)
    return Comparison(
        baseline=baseline.name,
        folders={run.name: str(run.folder) for run in (baseline, *candidates)},
        options=options,
        tasks=tasks,
        abilities=abilities,
        overall=overall,
        notes=(*notes, *control_notes(controls, aligned), *_notes(tasks, options.alpha), *proxy_notes(aligned)),
        controls=controls,
    )


def compare_study(arms: Mapping[str, Path], options: CompareOptions | None = None) -> Comparison:
    """Judge the arms of a study against original-plain.

    Args:
        arms: Folder by arm; original-plain and one or more others of `STUDY_ARMS`.
        options: Settings; None: the usual ones.
    """
    present = study_arms(arms)
    first, *others = present
    return compare(present[first], {arm: present[arm] for arm in others}, options, original_name=first)


def _judge_arms(
    tasks: list[AlignedTask],
    estimates: Mapping[str, Mapping[str, PairedDifference]],
    baseline: str,
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
        without_failed = verdicts_without_failed(own, baseline, arm, options)
        for task, test, p, verdict in zip(own, tests, adjusted, verdicts, strict=True):
            found = _judged(estimates[task.task][arm], test, p, verdict, task, options)
            found = replace(found, verdict_without_failed=without_failed.get(task.task))
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
    """The record of one verdict."""
    return Judged(
        difference=clipped(estimate.interval(options.alpha), task, -1.0),
        verdict=verdict,
        p_non_inferior=test.p_non_inferior,
        p_adjusted=p,
        p_inferior=test.p_inferior,
    )


def _with_required_n(judged: Judged, estimate: PairedDifference, task: AlignedTask, alpha: float) -> Judged:
    """Add how many documents would settle it, at the level that Holm's first step asks for."""
    value, n, margin = judged.difference.value, next(iter(task.arms.values())).size, task.margin
    null_variances: tuple[float | None, float | None] = (None, None)
    if isinstance(estimate, TangoDifference):
        gained, lost = estimate.gained / n, estimate.lost / n
        discordance = gained + lost
        equal = discordance / 2
        null_variances = tango_variance(gained, lost, -margin), tango_variance(equal, equal, -margin)
    else:
        assert isinstance(estimate, ClusterBootstrap)
        discordance = n * estimate.error**2 + value**2
    observed, if_equal = null_variances
    return replace(
        judged,
        required_n=required_n(discordance - value**2, value, margin, alpha, null_variance=observed),
        required_n_if_equal=required_n(discordance, 0.0, margin, alpha, null_variance=if_equal),
    )


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
        method="Tango score" if is_tango(task) else "bootstrap-t",
        arms=tuple(_arm_result(task, arm, judged.get((task.task, arm)), options) for arm in task.arms),
        interaction=interaction(task, options),
    )


def _arm_result(task: AlignedTask, arm: str, judged: Judged | None, options: CompareOptions) -> ArmResult:
    ledger = task.runs[arm].file.ledger
    counters = ledger.tasks.get(task.task) if ledger else None
    return ArmResult(
        arm=arm,
        score=score(task, task.arms[arm], options),
        failed=counters.failed if counters else None,
        counters=counters,
        weights=ledger.weights if ledger else None,
        kv_bytes_per_token=ledger.compressed_kv_bytes_per_token if ledger else None,
        joules=joules_of(ledger, task.task) if ledger else None,
        judged=judged,
    )


def _notes(tasks: tuple[TaskComparison, ...], alpha: float) -> list[str]:
    """Few clusters, verdicts that only the correction left open, and those that hang on failed samples."""
    notes = []
    for task in tasks:
        if task.method == "bootstrap-t" and task.num_clusters < _FEW_CLUSTERS:
            of = "documents" if task.num_clusters == task.num_documents else "clusters"
            more = (
                "" if of == "documents" else " More clusters would narrow them, more documents in the same ones hardly."
            )
            notes.append(f"{task.task} has only {task.num_clusters} {of}: its intervals are wide and rough.{more}")
    for task in tasks:
        for arm, judged in ((a.arm, a.judged) for a in task.arms):
            if judged and judged.p_non_inferior <= alpha < judged.p_adjusted:
                p, corrected = f"{judged.p_non_inferior:.3f}", f"{judged.p_adjusted:.3f}"
                notes.append(
                    f"{task.task}, {arm}: the margin is kept by itself (p = {p}), but not after Holm's correction over "
                    f"all tasks (p = {corrected})."
                )
            if judged and judged.verdict_without_failed not in (None, judged.verdict):
                notes.append(
                    f"{task.task}, {arm}: the verdict hangs on failed samples, which count as wrong; without them it "
                    f"is {judged.verdict_without_failed}."
                )
    return notes
