"""Charts of what was counted while the samples went by: see `Tallies`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lottery_plugins.results.report.charts import ROW_HEADER, Chart, Rows, base, colour, tooltip
from lottery_plugins.results.report.tallies import Tallies

__all__ = ["field_charts", "heat_maps", "popularity_chart", "stop_chart", "tool_chart"]


def field_charts(tallies: Tallies, task: str, arms: Sequence[str]) -> list[Chart]:
    """Score against each property that a task's documents vary in."""
    charts = []
    for name, values in tallies.varied(task).items():
        rows: Rows = [
            {"run": arm, name: value, **tallies.by_field[task, name, value, arm].row()}
            for value in values
            for arm in arms
            if (task, name, value, arm) in tallies.by_field
        ]
        is_number = all(isinstance(value, float) for value in values)
        x = {"field": name, "type": "ordinal" if is_number else "nominal", "sort": values, "axis": {"labelAngle": 0}}
        y = {"field": "value", "type": "quantitative", "title": "score"}
        line = {"type": "line" if is_number else "point", "point": True, "filled": not is_number}
        spec = {
            **base(rows),
            "width": max(240, (20 + 10 * len(arms)) * len(values)),
            "height": 180,
            "encoding": {"x": x, "color": colour(arms), "xOffset": {"field": "run", "sort": list(arms)}},
            "layer": [
                {
                    "mark": {"type": "rule", "opacity": 0.5},
                    "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}},
                },
                {"mark": line, "encoding": {"y": y, "tooltip": tooltip(rows)}},
            ],
        }
        text = f"Mean score of {task} by {name}, with 95 % intervals where scores are right or wrong."
        charts.append(Chart(f"{task}-{name}", f"{task} by {name}", text, spec, rows))
    return charts


def heat_maps(tallies: Tallies, task: str, arms: Mapping[str, tuple[str, str]]) -> list[Chart]:
    """Score over each pair of number properties, a map per run, under its name, compression and kind of prompt."""
    varied = tallies.varied(task)
    pairs = dict.fromkeys((a[0], b[0]) for of, a, b, _ in tallies.by_pair if of == task)
    charts = []
    for first, second in pairs:
        if first not in varied or second not in varied:
            continue
        rows: Rows = [
            {"run": arm, "compression": arms[arm][0], "prompt": arms[arm][1], first: a[1], second: b[1], **mean.row()}
            for (of, a, b, arm), mean in tallies.by_pair.items()
            if of == task and (a[0], b[0]) == (first, second)
        ]
        colour = {"scheme": "viridis", "domain": [0, 1]}
        cell = {
            "x": {"field": first, "type": "ordinal", "axis": {"labelAngle": 0}},
            "y": {"field": second, "type": "ordinal"},
        }
        shade = {"field": "value", "type": "quantitative", "scale": colour, "title": "score"}
        label = {"field": "value", "type": "quantitative", "format": ".2f"}
        dark = {"condition": {"test": "datum.value > 0.6", "value": "black"}, "value": "white"}
        rect = {"color": shade, "tooltip": tooltip(rows)}
        spec = {
            **base(rows),
            "transform": [{"calculate": _MAP_LABEL, "as": "map"}],
            "facet": {
                "field": "map",
                "type": "nominal",
                "sort": ["|".join((arm, *made)) for arm, made in arms.items()],
                "title": None,
                "header": {"labelExpr": "split(datum.label, '|')", "labelLineHeight": 13},
            },
            "columns": 3,
            "spacing": {"row": 36, "column": 44},
            "spec": {
                "width": {"step": 46},
                "height": {"step": 30},
                "encoding": cell,
                "layer": [
                    {"mark": "rect", "encoding": rect},
                    {"mark": {"type": "text", "fontSize": 10}, "encoding": {"text": label, "color": dark}},
                ],
            },
        }
        title, text = f"{task}: {first} by {second}", f"Mean score of {task} for each {first} and {second}."
        charts.append(Chart(f"{task}-{first}-{second}", title, text, spec, rows))
    return charts


_MAP_LABEL = "datum.run + '|' + datum.compression + '|' + datum.prompt"


def popularity_chart(tallies: Tallies, arms: Sequence[str], bins: int = 8) -> Chart | None:
    """How often a run searched, and how well it answered, by how well known the subject is; None without such tasks."""
    if not tallies.searched:
        return None
    ordered = sorted({known for _, known, *_ in tallies.searched})
    edges = [ordered[min(len(ordered) - 1, i * len(ordered) // bins)] for i in range(bins)]
    sums: dict[tuple[int, str], list[float]] = {}
    for _, known, arm, is_searched, score in tallies.searched:
        place = max(i for i, edge in enumerate(edges) if known >= edge)
        cell = sums.setdefault((place, arm), [0.0, 0.0, 0.0])
        for index, value in enumerate((is_searched, score, 1)):
            cell[index] += value
    rows: Rows = [
        {"run": arm, "popularity from": edges[place], "measure": name, "value": cell[i] / cell[2], "n": int(cell[2])}
        for (place, arm), cell in sorted(sums.items())
        for i, name in enumerate(("searched", "score"))
    ]
    spec = {
        **base(rows),
        "facet": {"field": "measure", "type": "nominal", "title": None},
        "spec": {
            "width": 320,
            "height": 180,
            "mark": {"type": "line", "point": True},
            "encoding": {
                "x": {"field": "popularity from", "type": "ordinal"},
                "y": {"field": "value", "type": "quantitative", "title": None},
                "color": colour(arms),
                "tooltip": tooltip(rows),
            },
        },
    }
    text = (
        "Share of problems that were searched for, and mean score, by popularity of the subject, in bins of equal size."
    )
    return Chart("popularity", "Retrieval and popularity", text, spec, rows)


def tool_chart(tallies: Tallies, arms: Sequence[str]) -> Chart | None:
    """Tool calls, the failed ones apart; None where no tool was called."""
    rows: Rows = [
        {
            "run": arm,
            "tool": tool,
            "outcome": name,
            "calls": counts["failed"] if name == "failed" else counts["calls"] - counts["failed"],
        }
        for (arm, tool), counts in sorted(tallies.tools.items())
        for name in ("succeeded", "failed")
    ]
    return (
        _bars("tools", "Tool calls", "Calls of each tool, over all tasks.", rows, "tool", "outcome", arms)
        if rows
        else None
    )


def stop_chart(tallies: Tallies, arms: Sequence[str]) -> Chart | None:
    """Why problems ended; None for other people's runs."""
    rows: Rows = [
        {"run": arm, "stop reason": reason, "calls": number} for (arm, reason), number in sorted(tallies.stops.items())
    ]
    rows = [{"samples" if key == "calls" else key: value for key, value in row.items()} for row in rows]
    text = "Why the problems of each run ended."
    return _bars("stops", "Stop reasons", text, rows, "run", "stop reason", arms) if rows else None


_OUTCOMES = {"outcome": {"scale": {"domain": ["succeeded", "failed"], "range": ["#4c78a8", "#e45756"]}}}


def _bars(id_: str, title: str, text: str, rows: Rows, along: str, within: str, arms: Sequence[str]) -> Chart:
    """Stacked bars; one panel per run where the bars are not the runs themselves."""
    number = next(key for key in rows[0] if key in ("calls", "samples"))
    bars = {
        "width": 420,
        "mark": "bar",
        "encoding": {
            "y": {"field": along, "type": "nominal", "title": None, **({"sort": list(arms)} if along == "run" else {})},
            "x": {"field": number, "type": "quantitative"},
            "color": {"field": within, "type": "nominal", "title": None, **_OUTCOMES.get(within, {})},
            "tooltip": tooltip(rows),
        },
    }
    if along == "run":
        return Chart(id_, title, text, {**base(rows), **bars}, rows)
    facet = {"row": {"field": "run", "type": "nominal", "sort": list(arms), "title": None, "header": ROW_HEADER}}
    return Chart(id_, title, text, {**base(rows), "facet": facet, "spec": bars}, rows)
