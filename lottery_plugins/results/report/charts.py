"""Charts as Vega-Lite specifications with the numbers that they draw: what a comparison found, and at which cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.results.comparison import Comparison
from lottery_plugins.results.report.costs import COSTS, ArmCosts

__all__ = ["ROW_HEADER", "Chart", "Rows", "base", "colour", "difference_chart", "score_chart", "tooltip", "trade_offs"]

Rows = list[dict[str, Any]]

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart.

    Attributes:
        id: Unique on the page, for links.
        title: Above it.
        text: What it shows, in a sentence or two.
        spec: Vega-Lite, data included.
        rows: The data again, for the table of numbers.
    """

    id: str
    title: str
    text: str
    spec: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]


def score_chart(comparison: Comparison) -> Chart:
    """Every arm's score on every task."""
    rows: Rows = [
        {"task": t.task, "run": a.arm, "score": a.score.value, "low": a.score.low, "high": a.score.high}
        for t in comparison.tasks
        for a in t.arms
    ]
    text = "Mean score of each run, with a 95 % interval."
    return Chart("scores", "Scores", text, _intervals(rows, "score", _arms(comparison)), rows)


def difference_chart(comparison: Comparison) -> Chart:
    """Differences from the baseline, and the margins."""
    level = f"{100 * (1 - 2 * comparison.options.alpha):g}"
    rows: Rows = [
        {
            "task": t.task,
            "run": a.arm,
            "difference": a.judged.difference.value,
            "low": a.judged.difference.low,
            "high": a.judged.difference.high,
            "margin": -t.margin,
            "verdict": a.judged.verdict,
        }
        for t in comparison.tasks
        for a in t.arms
        if a.judged is not None
    ]
    spec = _intervals(rows, "difference", _arms(comparison))
    rule = {"type": "rule", "strokeDash": [4, 3], "strokeWidth": 1.5, "color": "gray"}
    spec["spec"]["layer"].append({"mark": rule, "encoding": {"x": {"field": "margin", "type": "quantitative"}}})
    text = (
        f"Score minus that of {comparison.baseline}, with a {level} % interval; above 0 is better. A run is not worse "
        "where its whole interval lies right of the dashed line, the margin that was fixed before."
    )
    return Chart("differences", f"Differences from {comparison.baseline}", text, spec, rows)


def _intervals(rows: Rows, value: str, arms: Sequence[str]) -> dict[str, Any]:
    """Points with intervals: a small panel per task, a line per run."""
    x = {"field": value, "type": "quantitative", "title": value}
    y = {"field": "run", "type": "nominal", "sort": list(arms), "title": None}
    own = {**colour(arms), "legend": None}  # the axis names them
    ends = {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, "color": own}
    point = {"x": x, "y": y, "color": own, "tooltip": tooltip(rows)}
    return {
        **base(rows),
        "facet": {"row": {"field": "task", "type": "nominal", "title": None, "header": ROW_HEADER}},
        "spec": {
            "width": 520,
            "layer": [
                {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": ends},
                {"mark": {"type": "point", "filled": True, "size": 70}, "encoding": point},
            ],
        },
    }


def trade_offs(costs: Sequence[ArmCosts]) -> list[Chart]:
    """Mean score against each cost that all runs measured and that is not the same for all."""
    charts = []
    arms = [cost.arm for cost in costs]
    for name, title in COSTS.items():
        values = [cost.values.get(name) for cost in costs]
        known = [value for value in values if value is not None]
        if len(known) < len(costs) or len(set(known)) < 2:
            continue
        on_front = _front(list(zip(known, (cost.score for cost in costs), strict=True)))
        rows: Rows = [
            {"run": cost.arm, "score": cost.score, title: value, "on the front": "yes" if is_on else "no"}
            for cost, value, is_on in zip(costs, known, on_front, strict=True)
        ]
        text = (
            "Mean score over the tasks of all runs. Filled: on the front, where no other run is as good for less, or "
            "better for as much."
        )
        charts.append(Chart(f"cost-{name}", f"Score against {title}", text, _trade_off(rows, title, arms), rows))
    return charts


def _trade_off(rows: Rows, cost: str, arms: Sequence[str]) -> dict[str, Any]:
    loose = {"zero": False, "nice": True, "padding": 16}
    fill = {"condition": {"test": "datum['on the front'] === 'yes'", "value": 1}, "value": 0}
    return {
        **base(rows),
        "width": 300,
        "height": 220,
        "mark": {"type": "point", "size": 130, "strokeWidth": 2},
        "encoding": {
            "x": {"field": cost, "type": "quantitative", "scale": loose, "axis": {"tickCount": 5}},
            "y": {"field": "score", "type": "quantitative", "scale": loose, "title": "mean score"},
            "color": colour(arms),
            "fill": colour(arms),
            "fillOpacity": fill,
            "tooltip": tooltip(rows),
        },
    }


def _front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Which (cost, score) no other point beats."""
    return [
        not any((c <= cost and s >= score) and (c < cost or s > score) for c, s in points) for cost, score in points
    ]


ROW_HEADER = {
    "labelAngle": 0,
    "labelAlign": "left",
    "labelOrient": "top",
    "labelAnchor": "start",
    "labelFontWeight": "bold",
}


def base(rows: Rows) -> dict[str, Any]:
    """What every specification begins with."""
    return {"$schema": _SCHEMA, "data": {"values": rows}}


def colour(arms: Sequence[str]) -> dict[str, Any]:
    """One colour per run, the same in all charts."""
    palette = {"scheme": "tableau10"} if len(arms) <= 10 else {"scheme": "tableau20"}
    return {"field": "run", "type": "nominal", "scale": {"domain": list(arms), **palette}, "title": None}


def tooltip(rows: Rows) -> list[dict[str, str]]:
    """Every value of a row, shown where the pointer is."""
    return [{"field": name, "type": "nominal"} for name in (rows[0] if rows else ())]


def _arms(comparison: Comparison) -> list[str]:
    return list(comparison.folders)
