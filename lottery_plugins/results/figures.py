"""One run's figures: the mean of a metric on a task, with interval and number of documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lottery_plugins.results.load import TaskRun
from lottery_plugins.results.means import mean_score
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.samples import Document, TaskScores, read_scores
from lottery_plugins.results.statistics import Estimate

__all__ = ["MISSING", "Figure", "in_line", "in_percent", "read_figure", "scores_of", "with_interval"]

MISSING = "-"
"""What stands where nothing was measured or published."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean of scores.

    Attributes:
        estimate: With its 95 % interval.
        n: Documents.
        failed: Those that ended without an answer, which count as wrong.
    """

    estimate: Estimate
    n: int
    failed: int = 0


def read_figure(run: TaskRun, metric: str) -> Figure:
    """The mean of a metric over a task's documents.

    Raises:
        LotteryError: The samples were not logged, can't be read, or don't have the metric.
    """
    scores = read_scores(run, CompareOptions(metric=metric))
    values = scores_of(scores)
    labels = [scores.clusters[document] for document in values] if scores.clusters else []
    clusters = labels if len(set(labels)) < len(labels) else None
    return Figure(mean_score(list(values.values()), clusters), len(values), len(scores.failed))


def scores_of(scores: TaskScores) -> dict[Document, float]:
    """The score of each document; one that failed counts as wrong, whatever was logged for it."""
    return {document: 0.0 if document in scores.failed else value for document, value in scores.scores.items()}


def in_percent(value: float) -> str:
    """A share with one decimal: "31.0"."""
    return f"{100 * value:.1f}"


def in_line(value: str, bounds: str, n: int) -> str:
    """A style for `with_interval`: "31.0 [22.4, 41.0] n=100"."""
    return f"{value} {bounds} n={n}"


def with_interval(figure: Figure | None, style: Callable[[str, str, int], str]) -> str:
    """A figure as text: `style` gets the value, the interval as "[22.4, 41.0]", and n."""
    if figure is None:
        return MISSING
    estimate = figure.estimate
    bounds = f"[{in_percent(estimate.low)}, {in_percent(estimate.high)}]"
    return style(in_percent(estimate.value), bounds, figure.n)
