"""Successive halving on documents: when a ticket is looked at, and when a look ends it.

All tickets meet the same documents in the same order, so each is paired with the original at every look. Optuna's own
pruners know one objective and no pairs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lottery_plugins.results.align import AlignedTask
from lottery_plugins.results.estimates import differences
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.statistics import PairedDifference
from lottery_plugins.search.measure import Measured, TaskRows
from lottery_plugins.search.plan import SearchPlan
from lottery_plugins.search.split import Split
from lottery_plugins.search.ticket import ORIGINAL

__all__ = ["Look", "chance_of_verdict", "hopeless", "look", "rungs"]

Floats = NDArray[np.float64]

_LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A ticket against the original on one task, on the documents seen so far.

    Attributes:
        difference: Ticket minus original.
        low: Its lower bound at the plan's `accept_level`.
        high: Its upper bound at the same level.
        margin: The task's margin.
        p_non_inferior: One-sided p of a loss of the margin or more.
        p_inferior: One-sided p of a loss of the margin or less.
        error: Standard error of the difference, above 0.
        documents: How many.
    """

    difference: float
    low: float
    high: float
    margin: float
    p_non_inferior: float
    p_inferior: float
    error: float
    documents: int

    @property
    def shortfall(self) -> float:
        """How far the lower bound is from the margin; at most 0 when the margin is kept."""
        return -self.margin - self.low


def rungs(plan: SearchPlan, split: Split) -> list[dict[str, tuple[int, ...]]]:
    """The documents that each rung adds, by task; a task whose documents are all seen is left out."""
    longest = max(len(documents) for documents in split.search.values())
    found, before, size = [], 0, plan.first_rung
    while before < longest:
        new = {task: documents[before:size] for task, documents in split.search.items()}
        found.append({task: documents for task, documents in new.items() if documents})
        before, size = size, 2 * size
    return found


def look(original: Measured, ticket: Measured, plan: SearchPlan, split: Split) -> dict[str, Look]:
    """Compare on the documents that the ticket has seen, task by task."""
    return {
        task: _look(_paired(task, original.rows[task], rows, split.margins[task]), plan)
        for task, rows in ticket.rows.items()
    }


def _look(task: AlignedTask, plan: SearchPlan) -> Look:
    estimate: PairedDifference = differences(task, ORIGINAL, CompareOptions(seed=plan.seed))["ticket"]
    interval, usual = estimate.interval(plan.accept_level), estimate.interval(_LEVEL)
    return Look(
        difference=interval.value,
        low=interval.low,
        high=interval.high,
        margin=task.margin,
        p_non_inferior=estimate.p_above(-task.margin),
        p_inferior=estimate.p_below(-task.margin),
        error=max((usual.high - usual.low) / (2 * float(stats.norm.isf(_LEVEL))), 1e-6),
        documents=task.arms["ticket"].size,
    )


def _paired(name: str, original: TaskRows, ticket: TaskRows, margin: float) -> AlignedTask:
    """Both arms on the ticket's documents; a failed sample gets 0, or the lowest score there is below it."""
    documents = sorted(ticket.scores)
    pairs = [(original.scores[d], ticket.scores[d]) for d in documents]
    worst = min([0.0, *(score for pair in pairs for score in pair if score is not None)])
    arms = np.array([[worst if score is None else score for score in pair] for pair in pairs], dtype=np.float64)
    labels = [ticket.clusters[d] for d in documents] if ticket.clusters else []
    return AlignedTask(
        task=name,
        arms={ORIGINAL: arms[:, 0], "ticket": arms[:, 1]},
        runs={},
        metric="",
        filter="",
        higher_is_better=True,
        margin=margin,
        clusters=labels if len(set(labels)) < len(labels) else None,
    )


def hopeless(looks: Mapping[str, Look], plan: SearchPlan, num_rungs: int) -> str:
    """The task on which the ticket is already shown to be inferior; "" where there is none.

    The level is shared out over the looks and the tasks (Bonferroni), so that a ticket that keeps all margins is
    stopped with probability `stop_level` at most, by whichever look.
    """
    level = plan.stop_level / (max(1, num_rungs - 1) * len(plan.tasks))
    found = [(seen.p_inferior, task) for task, seen in looks.items() if seen.p_inferior <= level]
    return min(found)[1] if found else ""


def chance_of_verdict(looks: Mapping[str, Look], plan: SearchPlan) -> float:
    """The chance that the held-out verdict will be non_inferior, from what the search part says of the ticket.

    The held-out difference is normal around the observed one, with the errors of both parts. The luck of having been
    chosen is not in it, so it is somewhat too high.
    """
    z, chance = float(stats.norm.isf(plan.alpha)), 1.0
    for task in plan.tasks:
        seen = looks[task.name]
        held_out_error = seen.error * math.sqrt(seen.documents / task.held_out)
        spare = seen.difference + seen.margin - z * held_out_error
        chance *= float(stats.norm.cdf(spare / math.hypot(seen.error, held_out_error)))
    return chance
