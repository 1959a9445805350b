"""A table of the paper as text: Markdown, LaTeX, CSV, the terminal. Names come from files, so nothing is markup."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lottery_plugins.results.figures import MISSING, Figure, in_line, in_percent, with_interval
from lottery_plugins.results.latex import escaped, tabular
from lottery_plugins.results.paper_table import PaperResults
from lottery_plugins.results.render import markdown_row, markdown_text

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["FORMATS", "csv_cells", "print_table", "to_csv", "to_latex", "to_markdown"]

_OURS = "ours, with 95 % intervals"


def to_markdown(results: PaperResults) -> str:
    """GitHub Markdown."""
    headers = ("method", *(column.header for column in results.table.columns))
    lines = [f"### {results.table.title}", "", markdown_row(headers), markdown_row(["---"] * len(headers))]
    lines += [markdown_row(row) for row in _published(results)]
    lines += [markdown_row(row) for row in _ours(results, in_line)]
    notes = [f"Published: {results.table.source}. Ours with 95 % intervals.", *results.notes]
    return "\n".join([*lines, "", *(f"- {markdown_text(note)}" for note in notes)]) + "\n"


def to_latex(results: PaperResults) -> str:
    r"""LaTeX; the document needs `\usepackage{booktabs}`."""
    headers = ("method", *(column.header for column in results.table.columns))
    notes = [results.table.title, f"Published: {results.table.source}. Ours with 95 % intervals.", *results.notes]
    table = tabular(headers, [*_published(results), None, *_ours(results, in_line)])
    return "\n".join([table, "", *(f"% {escaped(note)}" for note in notes)]) + "\n"


def to_csv(results: PaperResults) -> str:
    """A row a method; per cent, bounds of the interval and number of documents in columns of their own."""
    parts = ("", " low", " high", " n")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    headers = [f"{column.header}{part}" for column in results.table.columns for part in parts]
    writer.writerow(("method", "source", *headers))
    for published in results.table.published:
        figures = [MISSING if figure is None else str(figure) for figure in published.figures]
        cells = [cell for figure in figures for cell in (figure, MISSING, MISSING, MISSING)]
        writer.writerow((published.method, "published", *cells))
    for row in results.rows:
        writer.writerow((row.name, "ours", *(cell for figure in row.figures for cell in csv_cells(figure))))
    return out.getvalue()


FORMATS: Mapping[str, Callable[[PaperResults], str]] = {"markdown": to_markdown, "latex": to_latex, "csv": to_csv}


def print_table(results: PaperResults, console: Console) -> None:
    """Print the table; the interval and n stand below each of our figures."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=results.table.title, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("method", overflow="fold")
    for column in results.table.columns:
        table.add_column(column.header, justify="right", overflow="fold")
    for row in _published(results):
        table.add_row(*map(Text, row), style="dim")
    table.add_section()
    table.add_row(Text(_OURS, style="italic"))
    for row in _ours(results, lambda value, bounds, n: f"{value}\n{bounds}\nn={n}"):
        table.add_row(*map(Text, row))
    console.print(table)
    for note in (f"Published: {results.table.source}.", *results.notes):
        console.print(Text(f"- {note}", style="dim"))


def _published(results: PaperResults) -> list[tuple[str, ...]]:
    return [
        (row.method, *(MISSING if figure is None else f"{figure:.1f}" for figure in row.figures))
        for row in results.table.published
    ]


def _ours(results: PaperResults, style: Callable[[str, str, int], str]) -> list[tuple[str, ...]]:
    return [(row.name, *(with_interval(figure, style) for figure in row.figures)) for row in results.rows]


def csv_cells(figure: Figure | None) -> list[str]:
    """Value, bounds of the interval and number of documents, a cell each."""
    if figure is None:
        return [MISSING] * 4
    estimate = figure.estimate
    return [*map(in_percent, (estimate.value, estimate.low, estimate.high)), str(figure.n)]
