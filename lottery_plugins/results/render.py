"""Show a comparison: a table for the terminal, Markdown, JSON. Names in it come from files, so nothing is markup."""

from __future__ import annotations

import json
import re
import textwrap
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

__all__ = ["in_lines", "markdown_row", "markdown_text", "render_json", "render_markdown", "render_table"]

_RIGHT = {"failed", *COSTS, *ENGINE_COSTS}
_LABEL_WIDTH, _CELL_WIDTH, _WORD_WIDTH = 22, 14, 11
"""Of cells that are broken into lines, as the terminal is too narrow for whole ones: most cells fit 80 columns then."""


def render_table(comparison: Comparison, console: Console) -> None:
    """Print the comparison.

    Costs stand beside the scores where the terminal is wide enough, else below them; where even that breaks lines, only
    those of all tasks together are shown.
    """
    quality, costs = ("run", *quality_headers(comparison)), ("run", *cost_headers(comparison))
    is_measured = any(result.counters or result.weights for task in comparison.tasks for result in task.arms)
    whole = _table(comparison, (*quality, *costs[1:]) if is_measured else quality)
    scores, by_task = _table(comparison, quality), _table(comparison, costs)
    notes = []
    if _fits(whole, console):
        console.print(whole)
    else:
        console.print(scores if _fits(scores, console) else _table(comparison, quality, is_narrow=True))
        if is_measured and _fits(by_task, console):
            console.print()
            console.print(by_task)
        elif is_measured:
            notes.append("Costs by task: --markdown, --json, or a wider terminal.")
    if not is_measured:
        notes.append(f"Failed, weights, tokens and seconds: {NOT_MEASURED}, as no run has a ledger.json.")
    _print_grid(verdict_grid(comparison), console)
    for title, grid in control_tables(comparison).items():
        console.print(_text(f"\n{title}:"))
        _print_grid(grid, console)
    costs_of_arms, cost_notes = cost_table(comparison)
    if costs_of_arms:
        _print_grid(costs_of_arms, console)
    for note in (*notes, *all_notes(comparison), *cost_notes):
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


def _print_grid(grid: Sequence[tuple[str, ...]], console: Console) -> None:
    """Print verdicts by ability and arm, or costs by arm: header first."""
    table = _grid(grid)
    console.print()
    console.print(table if _fits(table, console) else _grid(grid, is_narrow=True))


def _grid(grid: Sequence[tuple[str, ...]], *, is_narrow: bool = False) -> Table:
    header, *rows = grid
    table = _empty_table()
    for name in header:
        table.add_column(_text(in_lines(name, _CELL_WIDTH) if is_narrow else name), overflow="fold")
    for label, *cells in rows:
        first = in_lines(label, _LABEL_WIDTH) if is_narrow else label
        others = [in_lines(cell, _CELL_WIDTH) if is_narrow else cell for cell in cells]
        table.add_row(_text(first), *(_text(cell, STYLES.get(cell, "")) for cell in others))
    return table


def _table(comparison: Comparison, headers: Sequence[str], *, is_narrow: bool = False) -> Table:
    """A table of the named columns, a section a task."""
    table = _empty_table()
    for header in headers:
        lines = header.replace(" [", "\n[") if is_narrow else header.replace(" tok", "\ntok").replace(" cach", "\ncach")
        table.add_column(_text(lines), justify="right" if header in _RIGHT else "left", overflow="fold")
    for task in comparison.tasks:
        table.add_row(_text(in_lines(task.task, _LABEL_WIDTH) if is_narrow else task.task, "bold"))
        for row in task_rows(task):
            cells = row.cells(comparison)
            if any(cells[header] for header in headers[1:]):
                label = in_lines(row.arm, _LABEL_WIDTH) if is_narrow else row.arm
                shown = [_narrow(cells[h]) if is_narrow else cells[h] for h in headers[1:]]
                styles = [row.style if header == "verdict" else "" for header in headers[1:]]
                table.add_row(_text(label), *map(_text, shown, styles))
        table.add_section()
    return table


def _empty_table() -> Table:
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))


def _fits(table: Table, console: Console) -> bool:
    """Whether no cell has to be broken."""
    from rich.measure import Measurement

    wide = console.options.update(width=10_000)
    return Measurement.get(console, wide, table).maximum <= console.width


def _narrow(cell: str) -> str:
    """A cell with its interval, or each of its words, on a line of its own."""
    return cell.replace(" [", "\n[") if "[" in cell else textwrap.fill(cell, _WORD_WIDTH, break_long_words=False)


def in_lines(text: str, most: int) -> str:
    """The text in lines of at most so many characters, as far as it can be broken: at blanks and after joints."""
    lines = [""]
    for piece in re.split(r"(?<=\s)|(?<=[-_/+])(?=[^\W\d])", text):
        if lines[-1] and len((lines[-1] + piece).rstrip()) > most:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


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
