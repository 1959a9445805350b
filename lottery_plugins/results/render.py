"""Show a comparison: a table for the terminal, Markdown, JSON. Names in it come from files, so nothing is markup."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lottery_plugins.results.comparison import ArmResult, Comparison, TaskComparison
from lottery_plugins.results.statistics import Estimate

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

__all__ = ["NOT_MEASURED", "render_json", "render_markdown", "render_table"]

NOT_MEASURED = "not measured"

_STYLES = {"non_inferior": "green", "inferior": "red", "inconclusive": "yellow"}
_ONE_TABLE_WIDTH = 150
_COSTS = ("weights", "generated tokens", "prompt tokens", "seconds")


@dataclass(frozen=True, slots=True)
class _Row:
    """One arm on one task as text."""

    arm: str
    quality: tuple[str, ...]
    costs: tuple[str, ...]
    style: str = ""


def render_table(comparison: Comparison, console: Console) -> None:
    """Print the comparison; on a narrow terminal the costs get a table of their own."""
    quality = ("run", *_quality_headers(comparison))
    if console.width >= _ONE_TABLE_WIDTH:
        console.print(_table(comparison, (*quality, *_COSTS)))
    else:
        console.print(_table(comparison, quality))
        if any(result.counters or result.weights for task in comparison.tasks for result in task.arms):
            console.print(_table(comparison, ("run", *_COSTS)))
        else:
            console.print(_text(f"Weights, tokens and seconds: {NOT_MEASURED}, as no run has a ledger.json."))
    for line, style in _conclusions(comparison):
        console.print(_text(line, style))
    for note in _notes(comparison):
        console.print(_text(f"- {note}", "dim"))


def render_markdown(comparison: Comparison) -> str:
    """The comparison as GitHub Markdown."""
    headers = ("task", "run", *_quality_headers(comparison), *_COSTS)
    lines = [_markdown_row(headers), _markdown_row(["---"] * len(headers))]
    for task in comparison.tasks:
        for row in _rows(task):
            lines.append(_markdown_row((task.task, row.arm, *row.quality, *row.costs)))
    lines += ["", *(f"- {_escaped(line)}" for line, _ in _conclusions(comparison))]
    lines += ["", "Notes:", "", *(f"- {_escaped(note)}" for note in _notes(comparison))]
    return "\n".join(lines) + "\n"


def render_json(comparison: Comparison) -> str:
    """The comparison as JSON with the version of its layout; null means not measured."""
    return json.dumps(comparison.to_json(), indent=2, allow_nan=False) + "\n"


def _quality_headers(comparison: Comparison) -> tuple[str, ...]:
    level = f"{100 * (1 - 2 * comparison.options.alpha):g}%"
    return "score [95%]", "failed", f"difference [{level}]", "verdict"


def _rows(task: TaskComparison) -> list[_Row]:
    rows = [_row(result) for result in task.arms]
    if task.interaction is not None:
        rows.append(_Row("interaction", ("", "", _signed(task.interaction), _meaning(task.interaction)), ("",) * 4))
    return rows


def _row(result: ArmResult) -> _Row:
    judged, counters = result.judged, result.counters
    difference, verdict = ("", "") if judged is None else (_signed(judged.difference), judged.verdict)
    return _Row(
        arm=result.arm,
        quality=(_plain(result.score), _count(result.failed), difference, verdict),
        costs=(
            _bytes(result.weights.stored if result.weights else None),
            _count(counters.generated_tokens if counters else None),
            _count(counters.prompt_tokens if counters else None),
            NOT_MEASURED if counters is None or counters.seconds is None else f"{counters.seconds:,.1f}",
        ),
        style=_STYLES[judged.verdict] if judged else "",
    )


def _needs(task: TaskComparison, result: ArmResult) -> str:
    """What would settle an open verdict; "" where there is none."""
    judged = result.judged
    if judged is None or judged.verdict != "inconclusive":
        return ""
    cases = (("the runs are equal", judged.required_n_if_equal), ("the difference is as observed", judged.required_n))
    numbers = [f"{n:,} documents if {case}" for case, n in cases if n is not None]
    return f"{task.task}, {result.arm}: about {' or '.join(numbers)} would settle it (power 0.8)."


def _meaning(interaction: Estimate) -> str:
    if interaction.low > 0:
        return "augmentation gives the compressed model more"
    return "augmentation gives the original more" if interaction.high < 0 else "no difference in gain shown"


def _conclusions(comparison: Comparison) -> list[tuple[str, str]]:
    """One line for each ability and arm, and for all tasks, with its style."""
    lines = []
    for group in (*comparison.abilities, *comparison.overall):
        tasks = "all tasks" if group.name == "all" else f"ability {group.name}"
        count = f"{len(group.tasks)} task{'s' if len(group.tasks) != 1 else ''}"
        line = f"{group.arm} against {comparison.baseline}, {tasks} ({count}): {group.verdict}"
        lines.append((line, _STYLES[group.verdict]))
    return lines


def _notes(comparison: Comparison) -> list[str]:
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


def _table(comparison: Comparison, headers: Sequence[str]) -> Table:
    """A table of the named columns, a section a task."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for header in headers:
        is_number = header in {"failed", *_COSTS}
        width = 8 if header == "failed" else None  # wraps "not measured"
        table.add_column(header, justify="right" if is_number else "left", overflow="fold", max_width=width)
    every = ("run", *_quality_headers(comparison), *_COSTS)
    for task in comparison.tasks:
        table.add_row(_text(task.task, "bold"))
        for row in _rows(task):
            cells = dict(zip(every, (row.arm, *row.quality, *row.costs), strict=True))
            table.add_row(*(_text(cells[h], row.style if h == "verdict" else "") for h in headers))
        table.add_section()
    return table


def _text(line: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(line, style=style)


def _plain(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _signed(estimate: Estimate) -> str:
    return f"{estimate.value:+.3f} [{estimate.low:+.3f}, {estimate.high:+.3f}]"


def _count(count: int | None) -> str:
    return NOT_MEASURED if count is None else f"{count:,}"


def _bytes(count: int | None) -> str:
    return NOT_MEASURED if count is None else f"{count / 1e6:,.1f} MB"


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_escaped(cell) for cell in cells)} |"


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    for char, safe in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("`", "\\`"), ("*", "\\*"), ("_", "\\_")):
        text = text.replace(char, safe)
    return " ".join(text.split())
