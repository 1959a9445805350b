"""Heat maps as one SVG file: those of the same methods side by side."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from lottery_plugins.results.figures import MISSING, Figure, with_interval
from lottery_plugins.results.heat_map_text import color_of, title_of
from lottery_plugins.results.heat_maps import HeatMap, HeatMaps

__all__ = ["to_svg"]

_CELL_WIDTH, _CELL_HEIGHT, _LEFT, _TOP, _GAP = 56, 30, 62, 58, 36
_LETTER_WIDTH = 7
_NOTHING = ("#e6e6e6", "#555555")


def to_svg(maps: HeatMaps) -> str:
    """The file's text. It needs no script and no font of its own; a cell's title tells interval and n."""
    lines = maps.lines
    longest = max(len(title_of(heat_map)) for heat_map in maps.maps)
    width = _LEFT + max(len(maps.lengths) * _CELL_WIDTH, longest * _LETTER_WIDTH) + _GAP
    height = _TOP + len(maps.depths) * _CELL_HEIGHT + _GAP
    size = f'width="{width * max(map(len, lines))}" height="{height * len(lines)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    for down, line in enumerate(lines):
        for across, heat_map in enumerate(line):
            parts.append(f'<g transform="translate({across * width},{down * height})">')
            parts += [*_map(maps, heat_map), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _map(maps: HeatMaps, heat_map: HeatMap) -> Iterator[str]:
    overall = with_interval(heat_map.overall, lambda value, bounds, n: f"{value} % {bounds}, n={n}")
    yield _text(_LEFT, 16, title_of(heat_map), "start", "bold")
    yield _text(_LEFT, 33, overall, "start")
    for column, length in enumerate(maps.lengths):
        yield _text(_LEFT + (column + 0.5) * _CELL_WIDTH, _TOP - 8, f"{length:,}")
    for line, depth in enumerate(maps.depths):
        y = _TOP + line * _CELL_HEIGHT
        yield _text(_LEFT - 8, y + _CELL_HEIGHT / 2 + 4, f"{depth:.0%}", "end")
        for column, length in enumerate(maps.lengths):
            yield _cell(_LEFT + column * _CELL_WIDTH, y, heat_map.cells.get((length, depth)))
    below = _TOP + len(maps.depths) * _CELL_HEIGHT + 16
    yield _text(_LEFT, below, "down: depth of the needle, across: length in tokens", "start")


def _cell(x: float, y: float, figure: Figure | None) -> str:
    back, letters = _NOTHING if figure is None else color_of(figure.estimate.value)
    shown = MISSING if figure is None else f"{100 * figure.estimate.value:.0f}"
    title = with_interval(figure, lambda value, bounds, n: f"{value} % {bounds}, n={n}")
    box = f'<rect x="{x:g}" y="{y:g}" width="{_CELL_WIDTH - 2}" height="{_CELL_HEIGHT - 2}" fill="{back}"/>'
    label = _text(x + _CELL_WIDTH / 2 - 1, y + _CELL_HEIGHT / 2 + 3, shown, color=letters)
    return f"<g><title>{escape(title)}</title>{box}{label}</g>"


def _text(x: float, y: float, text: str, anchor: str = "middle", weight: str = "normal", color: str = "#000000") -> str:
    look = f'text-anchor="{anchor}" font-weight="{weight}" fill="{color}"'
    return f'<text x="{x:g}" y="{y:g}" {look}>{escape(text)}</text>'
