"""Show a comparison: a table for the terminal, Markdown, JSON. Names in it come from files, so nothing is markup."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lottery_plugins.results.cells import (
    COSTS,
    ENGINE_COSTS,
    NOT_MEASURED,
    STYLES,
    all_notes,
    control_tables,
    cost_headers,
    quality_headers,
    task_rows,
    verdict_grid,
)
from lottery_plugins.results.comparison import Comparison
from lottery_plugins.results.costs import cost_table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

__all__ = ["markdown_row", "markdown_text", "render_json", "render_markdown", "render_table"]

_ONE_TABLE_WIDTH = 150
_COLUMN_WIDTH = 18  # of each of the engine's costs, beyond that
_WHOLE_NUMBERS_WIDTH = 95
_NARROW = {"score": 13, "difference": 15, "failed": 8, "verdict": 12, **dict.fromkeys((*COSTS, *ENGINE_COSTS), 12)}
"""Widths by header, without its level, at which numbers and words break in the right places."""


def render_table(comparison: Comparison, console: Console) -> None:
    """Print the comparison; on a narrow terminal the costs get a table of their own."""
    quality, costs = ("run", *quality_headers(comparison)), cost_headers(comparison)
    wide = console.width >= _ONE_TABLE_WIDTH + _COLUMN_WIDTH * (len(costs) - len(COSTS))
    is_measured = any(result.counters or result.weights for task in comparison.tasks for result in task.arms)
    columns = (*quality, *costs) if wide and is_measured else quality
    console.print(_table(comparison, columns, console.width))
    if is_measured and not wide:
        console.print(_table(comparison, ("run", *costs), console.width))
    if not is_measured:
        console.print(_text(f"Failed, weights, tokens and seconds: {NOT_MEASURED}, as no run has a ledger.json."))
    console.print(_plain_table(verdict_grid(comparison)))
    for title, grid in control_tables(comparison).items():
        console.print(_text(f"\n{title}:\n", "bold"))
        console.print(_plain_table(grid))
    costs_of_arms, cost_notes = cost_table(comparison)
    if costs_of_arms:
        console.print(_plain_table(costs_of_arms))
    for note in (*all_notes(comparison), *cost_notes):
        console.print(_text(f"- {note}", "dim"))


def render_markdown(comparison: Comparison) -> str:
    """The comparison as GitHub Markdown."""
    headers = ("task", "run", "score [95%]", "failed", *quality_headers(comparison)[-2:], *cost_headers(comparison))
    lines = [markdown_row(headers), markdown_row(["---"] * len(headers))]
    for task in comparison.tasks:
        for row in task_rows(task):
            cells = row.cells(comparison)
            lines.append(markdown_row((task.task, *(cells[header] for header in headers[1:]))))
    costs, cost_notes = cost_table(comparison)
    controls = {f"{markdown_text(title)}:": grid for title, grid in control_tables(comparison).items()}
    for title, grid in {"": verdict_grid(comparison), **controls, "Costs:": costs}.items():
        if grid:
            lines += ["", *((title, "") if title else ()), markdown_row(grid[0]), markdown_row(["---"] * len(grid[0]))]
            lines += map(markdown_row, grid[1:])
    lines += ["", "Notes:", "", *(f"- {markdown_text(note)}" for note in (*all_notes(comparison), *cost_notes))]
    return "\n".join(lines) + "\n"


def render_json(comparison: Comparison) -> str:
    """The comparison as JSON with the version of its layout; null means not measured."""
    return json.dumps(comparison.to_json(), indent=2, allow_nan=False) + "\n"


def _plain_table(grid: Sequence[tuple[str, ...]]) -> Table:
    """Verdicts by ability and arm, or costs by arm: header first."""
    from rich import box
    from rich.table import Table

    header, *rows = grid
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in header:
        table.add_column(_text(name), overflow="fold")
    for label, *verdicts in rows:
        table.add_row(_text(label), *(_text(verdict, STYLES.get(verdict, "")) for verdict in verdicts))
    return table


def _table(comparison: Comparison, headers: Sequence[str], width: int) -> Table:
    """A table of the named columns, a section a task."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for header in headers:
        is_interval, narrow = header.endswith("]"), _NARROW.get(header.split(" [")[0])
        is_whole = width >= _WHOLE_NUMBERS_WIDTH and is_interval
        table.add_column(
            header,
            justify="right" if header in {"failed", *COSTS, *ENGINE_COSTS} else "left",
            overflow="fold",
            no_wrap=is_whole,
            max_width=None if is_whole or width >= _ONE_TABLE_WIDTH else narrow,
        )
    for task in comparison.tasks:
        table.add_row(_text(task.task, "bold"))
        for row in task_rows(task):
            cells = row.cells(comparison)
            if any(cells[header] for header in headers[1:]):
                table.add_row(*(_text(cells[h], row.style if h == "verdict" else "") for h in headers))
        table.add_section()
    return table


def _text(line: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(line, style=style)


def markdown_row(cells: Sequence[str]) -> str:
    """One row of a Markdown table; its cells are shown as they are."""
    return f"| {' | '.join(markdown_text(cell) for cell in cells)} |"


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is."""
    for char, safe in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("`", "\\`"), ("*", "\\*"), ("_", "\\_")):
        text = text.replace(char, safe)
    return " ".join(text.split())
