"""Pair runs document by document, or say why they can't be paired."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lottery_plugins.errors import ConfigError, RunsNotComparableError
from lottery_plugins.results.load import Run, TaskRun
from lottery_plugins.results.options import CompareOptions, checked_margin
from lottery_plugins.results.samples import Document, TaskScores, read_scores

__all__ = ["AlignedTask", "align", "is_higher_better"]

_SETTINGS = {
    "chat_template_sha": "chat template",
    "system_instruction": "system instruction",
    "fewshot_as_multiturn": "few-shot examples as turns",
}
_PROMPT = ("description", "doc_to_text", "generation_kwargs", "repeats")


@dataclass(frozen=True, slots=True, eq=False)
class AlignedTask:
    """One task's scores in every arm that ran it, in one order of documents.

    Attributes:
        task: Its name.
        arms: The baseline first; by name, the scores of (documents,), negated where lower is better.
        runs: The runs behind the arms.
        metric: The metric.
        filter: The filter.
        higher_is_better: False where the scores are negated.
        margin: Non-inferiority margin of this task.
        ability: What the task measures; "" where it doesn't say.
        clusters: Cluster of each document; None where each is its own.
        failed: By arm, which documents failed and count as wrong, (documents,).
    """

    task: str
    arms: Mapping[str, NDArray[np.float64]]
    runs: Mapping[str, TaskRun]
    metric: str
    filter: str
    higher_is_better: bool
    margin: float
    ability: str = ""
    clusters: Sequence[str] | None = None
    failed: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)


def align(baseline: Run, candidates: Sequence[Run], options: CompareOptions) -> tuple[list[AlignedTask], list[str]]:
    """Pair each candidate with the baseline.

    Returns:
        The tasks in the baseline's order, and notes on differences that are allowed.

    Raises:
        RunsNotComparableError: With the reason.
    """
    everywhere = set(baseline.tasks).union(*(run.tasks for run in candidates))
    for task in options.exclude:
        if task not in everywhere:
            raise ConfigError("--exclude", task, f"a task of these runs: {', '.join(sorted(everywhere))}")
    notes = [note for run in [baseline, *candidates] for note in run.notes]
    for run in candidates:
        common = set(baseline.tasks) & set(run.tasks) - set(options.exclude)
        if not common:
            raise _no_common_task(baseline, run, options)
        _check_not_itself(baseline, run, common)
        for checked in (baseline, run):
            checked.check_one_model(common)
        for one, other in ((baseline, run), (run, baseline)):
            alone = sorted(set(one.tasks) - set(other.tasks) - set(options.exclude))
            if alone:
                notes.append(f"Not compared, as {one.name} ran it and {other.name} didn't: {', '.join(alone)}.")
    aligned = []
    for task in baseline.tasks:
        runs = {run.name: run.tasks[task] for run in candidates if task in run.tasks and task not in options.exclude}
        if runs or (not candidates and task not in options.exclude):
            aligned.append(_align_task(baseline.name, baseline.tasks[task], runs, options))
            notes += [n for name, run in runs.items() for n in _setting_notes(baseline.tasks[task], run, name)]
    return aligned, list(dict.fromkeys(notes))


def _no_common_task(baseline: Run, run: Run, options: CompareOptions) -> RunsNotComparableError:
    left = f"{baseline.folder} has {', '.join(sorted(baseline.tasks))}; {run.folder} has {', '.join(sorted(run.tasks))}"
    excluded = f" after leaving out {', '.join(options.exclude)}" if options.exclude else ""
    return RunsNotComparableError(f"they have no task in common{excluded}: {left}", "Run both on the same tasks.")


def _check_not_itself(baseline: Run, run: Run, tasks: set[str]) -> None:
    for task in sorted(tasks):
        path = baseline.tasks[task].file.path
        if path.resolve() == run.tasks[task].file.path.resolve():
            reason = f"{baseline.folder} and {run.folder} lead to the same newest results of {task}, {path}"
            raise RunsNotComparableError(reason, "Name two different runs.")


def _align_task(name: str, original: TaskRun, runs: Mapping[str, TaskRun], options: CompareOptions) -> AlignedTask:
    margin = _margin(original, options)
    for arm, run in runs.items():
        _check_same_task(original, run, name, arm)
        if _margin(run, options) != margin:
            reason = f"{run.task} fixes margin {margin} in {name} and {_margin(run, options)} in {arm}"
            raise RunsNotComparableError(reason, "A margin is fixed before the runs: run one again.")
    scores = {name: read_scores(original, options)}
    for arm, run in runs.items():
        scores[arm] = read_scores(run, options)
        _check_same_documents(original, run, (name, arm), (scores[name], scores[arm]))
    first = scores[name]
    documents = list(first.scores)
    higher = is_higher_better(original, first.metric)
    failed = {arm: np.array([d in s.failed for d in documents], dtype=bool) for arm, s in scores.items()}
    return AlignedTask(
        task=original.task,
        arms=_oriented(scores, documents, failed, higher),
        runs={name: original, **runs},
        metric=first.metric,
        filter=first.filter,
        higher_is_better=higher,
        margin=margin,
        ability=str(original.lottery.get("ability") or ""),
        clusters=_clusters(first, documents),
        failed=failed,
    )


def _margin(run: TaskRun, options: CompareOptions) -> float:
    if run.task in options.margins:
        return options.margins[run.task]
    own = run.lottery.get("margin")
    return options.margin if own is None else checked_margin(own, f"{run.task}: metadata.lottery.margin")


def _check_same_task(original: TaskRun, run: TaskRun, name: str, arm: str) -> None:
    task, hint = run.task, f"Re-run one, or leave it out with --exclude {run.task}."
    if original.version != run.version:
        reason = f"{task} is version {original.version} in {name} and {run.version} in {arm}"
        raise RunsNotComparableError(reason, hint)
    if original.num_fewshot != run.num_fewshot:
        reason = f"{task} has {original.num_fewshot} few-shot examples in {name} and {run.num_fewshot} in {arm}"
        raise RunsNotComparableError(reason, hint)


def _check_same_documents(
    original: TaskRun, run: TaskRun, names: tuple[str, str], scores: tuple[TaskScores, TaskScores]
) -> None:
    task, (one, other) = run.task, scores
    hint = f"Re-run one, or leave it out with --exclude {task}."
    for what, mine, theirs in (("metric", one.metric, other.metric), ("filter", one.filter, other.filter)):
        if mine != theirs:
            reason = f"{task} is scored by the {what} {mine!r} in {names[0]} and by {theirs!r} in {names[1]}"
            raise RunsNotComparableError(reason, f"Choose one with --{what}.")
    if one.scores.keys() != other.scores.keys():
        limits = [r.file.data.get("config", {}).get("limit") for r in (original, run)]
        common = len(one.scores.keys() & other.scores.keys())
        sides = zip(names, (one, other), limits, strict=True)
        counts = " and ".join(f"{len(s.scores)} documents in {n} (--limit {_plain(limit)})" for n, s, limit in sides)
        raise RunsNotComparableError(f"{task} has {counts}, of which {common} are the same", hint)
    changed = sum(1 for d, target in one.targets.items() if target and other.targets[d] not in ("", target))
    if changed:
        raise RunsNotComparableError(f"{task} has other gold answers for {changed} of its documents", hint)


def _plain(limit: object) -> str:
    return "none" if limit is None else f"{limit:g}" if isinstance(limit, float) else str(limit)


def is_higher_better(run: TaskRun, metric: str) -> bool:
    """The metric's direction as the results or the task state it."""
    by_task = run.file.data.get("higher_is_better") or {}
    stated = (by_task.get(run.task) or {}).get(metric)
    for entry in run.config.get("metric_list") or []:
        if stated is None and isinstance(entry, dict) and entry.get("metric") == metric:
            stated = entry.get("higher_is_better")
    return stated is not False


def _oriented(
    scores: Mapping[str, TaskScores],
    documents: Sequence[Document],
    failed: Mapping[str, NDArray[np.bool_]],
    higher: bool,
) -> dict[str, NDArray[np.float64]]:
    """Scores in one order, negated where lower is better; a failed document gets 0, or the worst score there is."""
    sign = 1.0 if higher else -1.0
    logged = {arm: np.array([sign * s.scores[d] for d in documents]) for arm, s in scores.items()}
    wrong = 0.0 if higher else min(float(values.min()) for values in logged.values())
    return {arm: np.where(failed[arm], wrong, values) + 0.0 for arm, values in logged.items()}  # + 0.0: no minus zero


def _clusters(scores: TaskScores, documents: Sequence[Document]) -> list[str] | None:
    labels = [scores.clusters[d] for d in documents] if scores.clusters else []
    return labels if len(set(labels)) < len(labels) else None


def _setting_notes(original: TaskRun, run: TaskRun, name: str) -> list[str]:
    """Differences that are allowed but that a reader should know."""
    ours, theirs = original.file.data, run.file.data
    different = [words for key, words in _SETTINGS.items() if ours.get(key) != theirs.get(key)]
    config = [d.get("config") or {} for d in (ours, theirs)]
    if config[0].get("gen_kwargs") != config[1].get("gen_kwargs"):
        different.append("--gen_kwargs")
    if run.num_fewshot and config[0].get("fewshot_seed") != config[1].get("fewshot_seed"):
        different.append("few-shot seed")
    notes = [f"{name} differs from the original in: {', '.join(different)}."] if different else []
    changed = [
        key for key in _PROMPT if original.config and run.config and _setting(original, key) != _setting(run, key)
    ]
    return notes + ([f"{name}: {run.task} differs from the original's in: {', '.join(changed)}."] if changed else [])


def _setting(run: TaskRun, key: str) -> str:
    """A task setting as text, without the memory addresses that lm-eval writes for some functions."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(run.config.get(key)))
