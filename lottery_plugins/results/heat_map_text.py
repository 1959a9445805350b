"""Heat maps on the terminal, and as Markdown, LaTeX or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lottery_plugins.results.figures import MISSING, in_line, with_interval
from lottery_plugins.results.heat_maps import HeatMap, HeatMaps
from lottery_plugins.results.latex import escaped, tabular
from lottery_plugins.results.paper_text import csv_cells
from lottery_plugins.results.render import markdown_row, markdown_text

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.table import Table

__all__ = ["FORMATS", "color_of", "print_maps", "title_of"]

_LOW, _MIDDLE, _HIGH = (178, 24, 43), (247, 247, 247), (33, 102, 172)  # red, white, blue: told apart by everyone


def color_of(value: float) -> tuple[str, str]:
    """Background and letters of a cell with that accuracy, as "#rrggbb"."""
    below, above, share = (_LOW, _MIDDLE, 2 * value) if value < 0.5 else (_MIDDLE, _HIGH, 2 * value - 1)
    color = [round(low + (high - low) * share) for low, high in zip(below, above, strict=True)]
    is_dark = sum(weight * part for weight, part in zip((0.299, 0.587, 0.114), color, strict=True)) < 140
    return "#" + "".join(f"{part:02x}" for part in color), "#ffffff" if is_dark else "#000000"


def title_of(heat_map: HeatMap) -> str:
    """What a map shows: model, compression, prompt."""
    return f"{heat_map.model}, {heat_map.prompt}"


def print_maps(maps: HeatMaps, console: Console) -> None:
    """Print the maps, those of the same methods side by side; accuracy in per cent."""
    from rich.columns import Columns
    from rich.text import Text

    for line in maps.lines:
        console.print(Columns([_drawn(maps, heat_map) for heat_map in line], padding=(0, 4)))
        console.print()
    console.print(
        Text("Accuracy in %, by depth of the needle (down) and length of the text in tokens (across).", "dim")
    )
    for note in maps.notes:
        console.print(Text(f"- {note}", style="dim"))


def _drawn(maps: HeatMaps, heat_map: HeatMap) -> Group:
    from rich.console import Group
    from rich.text import Text

    overall = with_interval(heat_map.overall, in_line)
    return Group(Text(title_of(heat_map), "bold"), Text(overall), _grid(maps, heat_map))


def _grid(maps: HeatMaps, heat_map: HeatMap) -> Table:
    from rich.style import Style
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 0))
    table.add_column("depth ", justify="right")
    for length in maps.lengths:
        table.add_column(f"{length:,} ", justify="right", min_width=6)
    for depth in maps.depths:
        cells = [Text(f"{depth:.0%} ")]
        for length in maps.lengths:
            figure = heat_map.cells.get((length, depth))
            if figure is None:
                cells.append(Text(f"{MISSING} ", style="dim"))
            else:
                back, letters = color_of(figure.estimate.value)
                cells.append(Text(f"  {100 * figure.estimate.value:.0f} ", Style(bgcolor=back, color=letters)))
        table.add_row(*cells)
    return table


def to_markdown(maps: HeatMaps) -> str:
    """A table a map; each cell with its interval and number of documents."""
    blocks = []
    for heat_map in maps.maps:
        headers = ("depth", *(f"{length:,} tokens" for length in maps.lengths))
        lines = [
            f"### {markdown_text(_heading(heat_map))}",
            "",
            markdown_row(headers),
            markdown_row(["---"] * len(headers)),
        ]
        blocks.append("\n".join([*lines, *(markdown_row(row) for row in _rows(maps, heat_map))]))
    return "\n\n".join([*blocks, *(f"- {markdown_text(note)}" for note in maps.notes)]) + "\n"


def to_latex(maps: HeatMaps) -> str:
    r"""A table a map; the document needs `\usepackage{booktabs}`."""
    headers = ("depth", *(f"{length:,} tokens" for length in maps.lengths))
    tables = [f"% {escaped(_heading(m))}\n{tabular(headers, _rows(maps, m))}" for m in maps.maps]
    return "\n\n".join(tables) + "\n"


def to_csv(maps: HeatMaps) -> str:
    """A row a cell, in per cent."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("run", "model", "prompt", "length", "depth", "acc", "low", "high", "n"))
    for heat_map in maps.maps:
        for length in maps.lengths:
            for depth in maps.depths:
                cells = csv_cells(heat_map.cells.get((length, depth)))
                writer.writerow((heat_map.run, heat_map.model, heat_map.prompt, length, depth, *cells))
    return out.getvalue()


FORMATS: Mapping[str, Callable[[HeatMaps], str]] = {"markdown": to_markdown, "latex": to_latex, "csv": to_csv}


def _heading(heat_map: HeatMap) -> str:
    return f"{title_of(heat_map)} ({heat_map.run}): {with_interval(heat_map.overall, in_line)}"


def _rows(maps: HeatMaps, heat_map: HeatMap) -> list[tuple[str, ...]]:
    return [
        (f"{depth:.0%}", *(with_interval(heat_map.cells.get((length, depth)), in_line) for length in maps.lengths))
        for depth in maps.depths
    ]
