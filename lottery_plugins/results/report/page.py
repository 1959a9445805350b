"""The page: everything in one file that a browser shows without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from lottery_plugins.errors import ConfigError
from lottery_plugins.results.cells import all_notes, control_tables, meaning, signed, verdict_grid
from lottery_plugins.results.comparison import Comparison
from lottery_plugins.results.report.charts import Chart
from lottery_plugins.results.report.costs import COSTS, ArmCosts
from lottery_plugins.results.report.traces import Traces, packed

__all__ = ["Report", "render_page"]

_WORDS = {"non_inferior": "not worse", "inferior": "worse", "inconclusive": "not settled"}
_ENTITIES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


@dataclass(frozen=True, slots=True)
class Report:
    """What a page shows.

    Attributes:
        title: Above all.
        comparison: Verdicts and scores.
        costs: By arm.
        charts: By section, in order.
        traces: The samples.
    """

    title: str
    comparison: Comparison
    costs: Sequence[ArmCosts]
    charts: Mapping[str, Sequence[Chart]]
    traces: Traces


def render_page(report: Report) -> str:
    """The whole page. Nothing that a model or a task wrote is markup in it.

    Raises:
        ConfigError: The libraries for it are not installed.
    """
    try:
        import jinja2

        library = _library()
    except ImportError as error:
        hint = "Install them: pip install 'lottery-plugins[report]'"
        allowed = "jinja2 and vl-convert-python"
        raise ConfigError("lottery report", f"no {error.name}", allowed, hint) from error
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.lstrip_blocks = True
    return environment.from_string(_file("page.html.j2")).render(
        title=report.title,
        css=_file("page.css"),
        script=_file("page.js"),
        library=library,
        comparison=report.comparison,
        headlines=_headlines(report.comparison),
        grid=verdict_grid(report.comparison),
        controls=control_tables(report.comparison),
        words=_WORDS,
        signed=signed,
        meaning=meaning,
        costs=_cost_rows(report.costs),
        arms=[cost.arm for cost in report.costs],
        sections=report.charts,
        notes=all_notes(report.comparison),
        specs=_json({c.id: c.spec for charts in report.charts.values() for c in charts}),
        facts=_json(
            {
                "arms": list(report.traces.arms),
                "shown": next((group.arm for group in report.comparison.deciding[::-1]), report.comparison.baseline),
                "block": report.traces.block_size,
            }
        ),
        index=packed(report.traces.index),
        blocks=report.traces.blocks,
        number=_number,
    )


@cache
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed, which puts them on the page as `window.vegaEmbed`."""
    import vl_convert

    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")).replace("</script", "<\\/script")


def _headlines(comparison: Comparison) -> list[dict[str, str]]:
    """One sentence per candidate on all tasks; a control is none."""
    told = {
        "non_inferior": "is not worse than {b} on any task, within the margins",
        "inferior": "is worse than {b} on at least one task, by more than the margin",
        "inconclusive": "is not shown to be worse than {b}, nor to be as good: more samples are needed",
    }
    controls = {control.arm for control in comparison.controls}
    return [
        {
            "arm": group.arm,
            "verdict": group.verdict,
            "text": told[group.verdict].format(b=comparison.baseline),
            "tasks": f"{len(group.tasks)} task{'s' * (len(group.tasks) != 1)}",
        }
        for group in comparison.overall
        if group.arm not in controls
    ]


def _cost_rows(costs: Sequence[ArmCosts]) -> list[tuple[str, list[float | None]]]:
    """A row per cost that some arm measured."""
    rows: list[tuple[str, list[float | None]]] = [("mean score", [cost.score for cost in costs])]
    measured = [(title, [cost.values.get(name) for cost in costs]) for name, title in COSTS.items()]
    return [*rows, *(row for row in measured if any(value is not None for value in row[1]))]


def _number(value: Any) -> str:
    """A number for a reader: four digits; whole ones from a thousand."""
    if value is None:
        return "not measured"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"


def _json(data: Any) -> str:
    """JSON for a script element: no character in it can end the element."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False).translate(_ENTITIES)


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
