"""Whether verdicts hang on samples that failed: they count as wrong, and here they are left out instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lottery_plugins.results.align import AlignedTask
from lottery_plugins.results.estimates import differences
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.verdict import Verdict, against_margin, judge

__all__ = ["verdicts_without_failed"]


def verdicts_without_failed(
    tasks: Sequence[AlignedTask], baseline: str, arm: str, options: CompareOptions
) -> dict[str, Verdict | None]:
    """An arm's verdict on each task over the documents that failed neither in it nor in the baseline.

    Returns:
        By task, for those with failed documents; None where no document is left. Empty when nothing failed.
    """
    counts = {task.task: int((task.failed[baseline] | task.failed[arm]).sum()) for task in tasks}
    if not any(counts.values()):
        return {}
    left = [_reduced(task, baseline, arm) for task in tasks if counts[task.task] < task.failed[arm].size]
    tests = [against_margin(differences(task, baseline, options)[arm], task.margin) for task in left]
    found = dict(zip((task.task for task in left), judge(tests, options.alpha), strict=True))
    return {name: found.get(name) for name, count in counts.items() if count}


def _reduced(task: AlignedTask, baseline: str, arm: str) -> AlignedTask:
    """The task with two arms, and without the documents that failed in one of them."""
    stays = ~(task.failed[baseline] | task.failed[arm])
    clusters = [label for label, kept in zip(task.clusters, stays, strict=True) if kept] if task.clusters else None
    return replace(
        task,
        arms={name: task.arms[name][stays] for name in (baseline, arm)},
        failed={name: task.failed[name][stays] for name in (baseline, arm)},
        clusters=clusters,
    )
