"""From runs to what a page shows: the comparison, and one look at every sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lottery_plugins.results.compare import compare_runs
from lottery_plugins.results.comparison import Comparison
from lottery_plugins.results.heat_maps import made_with
from lottery_plugins.results.load import Run
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.report.charts import Chart, difference_chart, score_chart, trade_offs
from lottery_plugins.results.report.costs import ArmCosts, arm_costs
from lottery_plugins.results.report.documents import read_samples
from lottery_plugins.results.report.page import Report
from lottery_plugins.results.report.sample_charts import (
    field_charts,
    heat_maps,
    popularity_chart,
    stop_chart,
    tool_chart,
)
from lottery_plugins.results.report.tallies import Tallies
from lottery_plugins.results.report.traces import Traces

__all__ = ["build_report"]


def build_report(
    runs: Sequence[Run], options: CompareOptions, title: str, advance: Callable[[str], None] = lambda task: None
) -> Report:
    """Read and count everything.

    Args:
        runs: The baseline first; one alone is shown without verdicts.
        options: Of the comparison.
        title: Of the page.
        advance: Called after each sample with its task.

    Raises:
        LotteryError: The runs can't be read or paired.
    """
    baseline, *candidates = runs
    comparison = compare_runs(baseline, candidates, options)
    traces, tallies = Traces([run.name for run in runs]), Tallies()
    for task in comparison.tasks:
        popularity = str(baseline.tasks[task.task].lottery.get("popularity") or "")
        for sample in read_samples(runs, task.task, options):
            traces.add(sample)
            tallies.add(sample, popularity)
            advance(task.task)
    traces.finish()
    costs = arm_costs(comparison, runs)
    return Report(title, comparison, costs, _sections(comparison, costs, tallies, runs), traces)


def _sections(
    comparison: Comparison, costs: Sequence[ArmCosts], tallies: Tallies, runs: Sequence[Run]
) -> dict[str, list[Chart]]:
    """The charts by section; a section without charts is left out."""
    arms, tasks = list(comparison.folders), [task.task for task in comparison.tasks]
    differences = [difference_chart(comparison)] if len(arms) > 1 else []
    found = {
        "Scores": [*differences, score_chart(comparison)],
        "Costs": trade_offs(costs),
        "Length, depth and kind": [
            chart
            for task in tasks
            for chart in (*heat_maps(tallies, task, _made(runs, task)), *field_charts(tallies, task, arms))
        ],
        "Behaviour": [
            chart
            for chart in (popularity_chart(tallies, arms), tool_chart(tallies, arms), stop_chart(tallies, arms))
            if chart is not None
        ],
    }
    return {name: charts for name, charts in found.items() if charts}


def _made(runs: Sequence[Run], task: str) -> dict[str, tuple[str, str]]:
    """Compression and prompt of each arm that ran a task."""
    return {run.name: made_with(run.tasks[task].file.model_args) for run in runs if task in run.tasks}
