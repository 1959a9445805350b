"""A comparison as LaTeX: two tables for a paper, with booktabs."""

from __future__ import annotations

from collections.abc import Sequence

from lottery_plugins.results.cells import (
    all_notes,
    control_tables,
    cost_headers,
    quality_headers,
    task_rows,
    verdict_grid,
)
from lottery_plugins.results.comparison import Comparison

__all__ = ["escaped", "render_latex", "tabular"]

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "\u2212": "$-$",
}  # fmt: skip


def render_latex(comparison: Comparison) -> str:
    r"""Both tables and the notes; the document needs `\usepackage{booktabs}`."""
    headers = ("run", *quality_headers(comparison), *cost_headers(comparison))
    rows: list[Sequence[str] | None] = []
    for task in comparison.tasks:
        rows += [None] if rows else []
        rows.append((task.task, *("" for _ in headers[1:])))
        cells = [row.cells(comparison) for row in task_rows(task)]
        rows += [[row[header] for header in headers] for row in cells]
    grid = verdict_grid(comparison)
    controls = [
        line
        for title, rows_of in control_tables(comparison).items()
        for line in (f"% {escaped(title)}", tabular(rows_of[0], rows_of[1:]), "")
    ]
    notes = [f"% {escaped(note)}" for note in all_notes(comparison)]
    return "\n".join([tabular(headers, rows), "", tabular(grid[0], grid[1:]), "", *controls, *notes]) + "\n"


def tabular(headers: Sequence[str], rows: Sequence[Sequence[str] | None]) -> str:
    """One table, the first column to the left and the others to the right; None is a thin rule."""
    lines = [rf"\begin{{tabular}}{{l{'r' * (len(headers) - 1)}}}", r"\toprule", _line(headers), r"\midrule"]
    lines += [r"\addlinespace" if row is None else _line(row) for row in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def escaped(text: str) -> str:
    """Text that LaTeX shows as it is, on one line."""
    return "".join(_SPECIAL.get(char, char) for char in " ".join(text.split()))


def _line(cells: Sequence[str]) -> str:
    # Empty braces first: a cell that begins with a bracket would be read as an option of the line before.
    return " & ".join("{}" + escaped(cell) if cell.startswith("[") else escaped(cell) for cell in cells) + r" \\"
