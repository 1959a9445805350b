"""A table on the screen and in files: Markdown to read, JSON to quote from."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from lottery_plugins.harness.study import HarnessRun
from lottery_plugins.results.statistics import Estimate

from .arms import Table
from .measure import COLUMNS, Cell
from .runs import Settings

__all__ = ["Report", "publish"]

LIBRARIES = ("lm-eval", "torch", "transformers", "lottery-plugins")


@dataclass(slots=True)
class Report:
    """What was measured for one table.

    Attributes:
        name: Of the table, and of its files.
        table: What it is to show.
        settings: What the user asked for.
        cells: By task, in the order of the arms.
        runs: lm-eval's command line of each arm.
        skipped: Reason by arm.
        load: The machine's load, when each arm was done.
    """

    name: str
    table: Table
    settings: Settings
    cells: dict[str, list[Cell]] = field(default_factory=dict)
    runs: list[list[str]] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    load: list[float] = field(default_factory=lambda: [os.getloadavg()[0]])

    def add(self, run: HarnessRun, cells: list[Cell]) -> None:
        """Keep one arm's cells."""
        for cell in cells:
            self.cells.setdefault(cell.task, []).append(cell)
        self.runs.append(run.command())
        self.load.append(os.getloadavg()[0])


def publish(report: Report, out: Path) -> None:
    """Print a table and write its files."""
    text = markdown(report)
    print(text)
    (out / f"{report.name}.md").write_text(text, encoding="utf-8")
    (out / f"{report.name}.json").write_text(json.dumps(data(report), indent=1) + "\n", encoding="utf-8")


def markdown(report: Report) -> str:
    """The table, a block of rows for each task, and how it was measured."""
    columns = [COLUMNS[name] for name in report.table.columns]
    lines = [f"### {report.table.title}", ""]
    lines.append(f"| task | arm | n | {' | '.join(heading for heading, _ in columns)} |")
    lines.append(f"|{'---|' * (len(columns) + 3)}")
    for task, cells in report.cells.items():
        for cell in cells:
            shown = " | ".join(show(cell, cells[0]) for _, show in columns)
            lines.append(f"| {task} | {cell.arm} | {cell.num_samples} | {shown} |")
    lines += ["", *(f"{arm} was left out: {reason}" for arm, reason in report.skipped.items())]
    load = f"{min(report.load):.1f} to {max(report.load):.1f} on {os.cpu_count()} cores"
    lines.append(
        f"{Path(report.settings.model).name}, {report.settings.threads} thread(s), greedy. Counts and seconds are "
        f"means of a sample. Other work ran beside it and slows it down: the load average was {load}."
    )
    return "\n".join(lines) + "\n"


def data(report: Report) -> dict[str, Any]:
    """Everything measured, from which every figure of the table can be computed again."""
    return {
        "table": report.name,
        "command": " ".join(["python", "benchmarks/small_model_tables.py", *sys.argv[1:]]),
        "model": report.settings.model,
        "limit": report.settings.limit,
        "threads": report.settings.threads,
        "machine": {"cores": os.cpu_count(), "processor": platform.machine(), "load": report.load},
        "versions": {name: _version(name) for name in LIBRARIES},
        "runs": report.runs,
        "skipped": report.skipped,
        "cells": [_cell(cell, cells[0]) for cells in report.cells.values() for cell in cells],
    }


def _cell(cell: Cell, first: Cell) -> dict[str, Any]:
    return {
        "task": cell.task,
        "arm": cell.arm,
        "samples": cell.num_samples,
        "metrics": {metric: _estimate(cell.mean(metric)) for metric in cell.scores},
        "difference": _estimate(cell.difference(first)),
        "answered": len(cell.answered),
        "score_of_answered": _estimate(cell.mean(cell.metric, cell.answered)),
        "gold_read": cell.gold_read,
        "counters": cell.counters.to_json(),
    }


def _estimate(estimate: Estimate | None) -> dict[str, float] | None:
    return None if estimate is None else {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "from a checkout"
