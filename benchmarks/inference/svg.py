"""Plots as SVG, without a plotting library: horizontal bars, and lines over logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

__all__ = ["bars", "lines"]

_COLOURS = ("#2a6f97", "#c8553d", "#588157", "#8d5a97", "#b08900", "#555555")
_STYLE = "font-family:sans-serif;font-size:13px;fill:#222"


def bars(title: str, values: Mapping[str, float], unit: str, mark: tuple[str, float] | None = None) -> str:
    """One bar a name. `mark` is a named vertical line, a goal or a limit."""
    top = max([*values.values(), mark[1] if mark else 0.0, 1e-9])
    wide, left, step = 760, 250, 30
    scale = (wide - left - 110) / top
    parts = [_text(10, 22, title, "font-weight:bold")]
    for i, (name, value) in enumerate(values.items()):
        y = 40 + i * step
        parts.append(_text(left - 8, y + 15, name, "text-anchor:end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{value * scale:.1f}" height="20" fill="{_COLOURS[0]}"/>')
        parts.append(_text(left + value * scale + 6, y + 15, f"{_short(value)} {unit}"))
    high = 40 + len(values) * step
    if mark:
        x = left + mark[1] * scale
        parts.append(
            f'<line x1="{x:.1f}" y1="34" x2="{x:.1f}" y2="{high}" stroke="{_COLOURS[1]}" stroke-dasharray="4"/>'
        )
        parts.append(
            _text(x, high + 16, f"{mark[0]}: {_short(mark[1])} {unit}", f"text-anchor:middle;fill:{_COLOURS[1]}")
        )
    return _svg(wide, high + 30, parts)


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]], x_name: str, y_name: str) -> str:
    """One line a name; both axes logarithmic, all numbers above 0."""
    points = [p for row in series.values() for p in row]
    wide, high, left, top = 760, 430, 80, 56
    inner_w, inner_h = wide - left - 170, high - top - 50
    low_x, high_x = (math.log(f(x for x, _ in points)) for f in (min, max))
    low_y, high_y = (math.log(f(y for _, y in points)) for f in (min, max))
    low_y, high_y = low_y - 0.1, high_y + 0.1

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log(x) - low_x) / max(high_x - low_x, 1e-9)
        return left + inner_w * across, top + inner_h * (high_y - math.log(y)) / (high_y - low_y)

    parts = [_text(10, 22, title, "font-weight:bold"), _text(left, high - 8, x_name), _text(10, top - 12, y_name)]
    for x in sorted({x for x, _ in points}):
        parts.append(_text(place(x, 1)[0], top + inner_h + 18, _short(x), "text-anchor:middle"))
    for y in _ticks(math.exp(low_y), math.exp(high_y)):
        at = place(points[0][0], y)[1]
        parts.append(f'<line x1="{left}" y1="{at:.1f}" x2="{left + inner_w}" y2="{at:.1f}" stroke="#ddd"/>')
        parts.append(_text(left - 6, at + 4, _short(y), "text-anchor:end"))
    for i, (name, row) in enumerate(series.items()):
        colour = _COLOURS[i % len(_COLOURS)]
        path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in row)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += ['<circle cx="{:.1f}" cy="{:.1f}" r="3" fill="{}"/>'.format(*place(x, y), colour) for x, y in row]
        parts.append(_text(left + inner_w + 12, top + 14 + i * 18, name, f"fill:{colour}"))
    return _svg(wide, high, parts)


def _ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten in a range."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [m * 10.0**k for k in powers for m in (1, 2, 5) if low <= m * 10.0**k <= high]


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" style="{_STYLE};{style}">{escape(text)}</text>'


def _svg(wide: int, high: int, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}">'
    return "\n".join([head, f'<rect width="{wide}" height="{high}" fill="white"/>', *parts, "</svg>\n"])
