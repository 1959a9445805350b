"""A comparison as text, cell by cell: what the terminal's table and the Markdown share."""

from __future__ import annotations

from dataclasses import dataclass

from lottery_plugins.ledger import Counters
from lottery_plugins.results.comparison import ArmResult, Comparison, TaskComparison
from lottery_plugins.results.statistics import Estimate

__all__ = [
    "COSTS",
    "ENGINE_COSTS",
    "NOT_MEASURED",
    "STYLES",
    "Row",
    "all_notes",
    "control_tables",
    "cost_headers",
    "meaning",
    "quality_headers",
    "signed",
    "task_rows",
    "verdict_grid",
]

NOT_MEASURED = "not measured"
COSTS = ("weights", "generated tokens", "prompt tokens", "seconds")
ENGINE_COSTS = ("forwarded tokens", "prompts cached")
"""What an engine that counts its work adds: tokens sent through the model, and the share of the prompts' that were not
computed again."""

STYLES = {"non_inferior": "green", "inferior": "red", "inconclusive": "yellow"}


@dataclass(frozen=True, slots=True)
class Row:
    """One arm on one task as text."""

    arm: str
    quality: tuple[str, str, str, str]
    costs: tuple[str, ...] = ("",) * len((*COSTS, *ENGINE_COSTS))
    style: str = ""

    def cells(self, comparison: Comparison) -> dict[str, str]:
        """The row by column header."""
        headers = ("run", "score [95%]", "failed", _difference_header(comparison), "verdict", *COSTS, *ENGINE_COSTS)
        return dict(zip(headers, (self.arm, *self.quality, *self.costs), strict=True))


def quality_headers(comparison: Comparison) -> tuple[str, ...]:
    """Headers of what was found; failures only where someone counted them."""
    is_counted = any(result.failed is not None for task in comparison.tasks for result in task.arms)
    return "score [95%]", *(("failed",) if is_counted else ()), _difference_header(comparison), "verdict"


def cost_headers(comparison: Comparison) -> tuple[str, ...]:
    """Headers of what it cost; those of the engine only where one counted."""
    is_counted = any(r.counters and r.counters.forwarded_tokens for task in comparison.tasks for r in task.arms)
    return (*COSTS, *ENGINE_COSTS) if is_counted else COSTS


def _difference_header(comparison: Comparison) -> str:
    return f"difference {_level(comparison)}"


def _level(comparison: Comparison) -> str:
    return f"[{100 * (1 - 2 * comparison.options.alpha):g}%]"


def task_rows(task: TaskComparison) -> list[Row]:
    """The arms of a task, the baseline first, and the interaction if there is one."""
    rows = [_row(result) for result in task.arms]
    if task.interaction is not None:
        rows.append(Row("interaction", ("", "", signed(task.interaction), meaning(task.interaction))))
    return rows


def _row(result: ArmResult) -> Row:
    judged, counters = result.judged, result.counters
    difference, verdict = ("", "") if judged is None else (signed(judged.difference), judged.verdict)
    return Row(
        arm=result.arm,
        quality=(_plain(result.score), _count(result.failed), difference, verdict),
        costs=(
            _bytes(result.weights.stored if result.weights else None),
            _count(counters.generated_tokens if counters else None),
            _count(counters.prompt_tokens if counters else None),
            NOT_MEASURED if counters is None or counters.seconds is None else f"{counters.seconds:,.1f}",
            _count(counters.forwarded_tokens if counters else None),
            _cached_share(counters),
        ),
        style=STYLES[judged.verdict] if judged else "",
    )


def _cached_share(counters: Counters | None) -> str:
    if counters is None or counters.forwarded_tokens is None or counters.cached_prompt_tokens is None:
        return NOT_MEASURED
    return f"{counters.cached_prompt_tokens / counters.prompt_tokens:.0%}" if counters.prompt_tokens else ""


def _needs(task: TaskComparison, result: ArmResult) -> str:
    """What would settle an open verdict; "" where there is none."""
    judged = result.judged
    if judged is None or judged.verdict != "inconclusive":
        return ""
    cases = (("the runs are equal", judged.required_n_if_equal), ("the difference is as observed", judged.required_n))
    numbers = [f"{n:,} documents if {case}" for case, n in cases if n is not None]
    if judged.required_n == judged.required_n_if_equal:
        numbers = [f"{judged.required_n:,} documents"]
    return f"{task.task}, {result.arm}: about {' or '.join(numbers)} would settle it (power 0.8)."


def meaning(interaction: Estimate) -> str:
    """Whom augmentation helps more."""
    return {1: "compressed gains more", -1: "original gains more", 0: "none shown"}[_sign(interaction)]


def control_tables(comparison: Comparison) -> dict[str, list[tuple[str, ...]]]:
    """Header and rows by title, a table for each control arm and the arm that it controls; {} without controls."""
    tables: dict[str, list[tuple[str, ...]]] = {}
    header = ("task", _difference_header(comparison), "shown")
    for control in comparison.controls:
        if control.gain is not None:
            title = f"{control.of} minus {control.arm}, which is {control.description}"
            gain = (control.task, signed(control.gain), _GAINS[_sign(control.gain)])
            tables.setdefault(title, [header]).append(gain)
    return tables


_GAINS = {1: "gain", -1: "loss", 0: "neither"}


def _sign(estimate: Estimate) -> int:
    """On which side of 0 the interval lies."""
    return int(estimate.low > 0) - int(estimate.high < 0)


def verdict_grid(comparison: Comparison) -> list[tuple[str, ...]]:
    """Header and rows: the verdict on each ability and on all tasks, a column an arm."""
    arms = [group.arm for group in comparison.overall]
    rows = [(f"against {comparison.baseline}", *arms)]
    groups = {f"ability: {g.name}": [o for o in comparison.abilities if o.name == g.name] for g in comparison.abilities}
    for label, members in {**groups, "all tasks": list(comparison.overall)}.items():
        found = {group.arm: group.verdict for group in members}
        rows.append((label, *(found.get(arm, "") for arm in arms)))
    return rows


def all_notes(comparison: Comparison) -> list[str]:
    """What the numbers depend on, what would settle open verdicts, and what a reader should know."""
    needs = [_needs(task, result) for task in comparison.tasks for result in task.arms]
    return [*map(_describe, comparison.tasks), *filter(None, needs), *comparison.notes]


def _describe(task: TaskComparison) -> str:
    """The task with everything that its numbers depend on."""
    clusters = "" if task.num_clusters == task.num_documents else f" in {task.num_clusters} clusters"
    arrow = "" if task.higher_is_better else ", lower is better"
    scored = task.metric if task.filter == "none" else f"{task.metric}, {task.filter}"
    size = f"{task.num_documents} documents{clusters}"
    return f"{task.task}: {scored}{arrow}; {size}; margin {task.margin:g}; {task.method}."


def _plain(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def signed(estimate: Estimate) -> str:
    """A difference with its interval."""
    return f"{estimate.value:+.3f} [{estimate.low:+.3f}, {estimate.high:+.3f}]"


def _count(count: int | None) -> str:
    return NOT_MEASURED if count is None else f"{count:,}"


def _bytes(count: int | None) -> str:
    return NOT_MEASURED if count is None else f"{count / 1e6:,.1f} MB"
