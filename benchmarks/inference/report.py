"""What a part found, on the screen and in files: a table, a plot, and JSON from which every figure can be quoted."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .ways import versions

__all__ = ["Finding", "Goal", "publish"]


@dataclass(frozen=True)
class Goal:
    """Something to be reached, and whether it was. A goal missed is said, not raised: times depend on the machine.

    Attributes:
        claim: What should hold, with the figure that counts.
        got: What was found.
        met: Whether it holds.
        exact: A count: the command fails where it is not met.
    """

    claim: str
    got: str
    met: bool
    exact: bool = False


@dataclass
class Finding:
    """What one part of the benchmark found.

    Attributes:
        part: Its name, also of its files.
        title: Of the table.
        columns: Of the table.
        rows: Cells of the table, as text.
        notes: Lines below the table.
        goals: What should hold.
        data: Everything measured, for the JSON file.
        plots: SVG texts by file name ending; "" is the plot of the part.
    """

    part: str
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    plots: dict[str, str] = field(default_factory=dict)


def publish(finding: Finding, output: Path, threads: int, console: Console) -> bool:
    """Print a finding and write its files. Returns whether all exact goals were met."""
    table = Table(*finding.columns, title=finding.title)
    for row in finding.rows:
        table.add_row(*row)
    console.print(table)
    for note in finding.notes:
        console.print(note, highlight=False)
    for goal in finding.goals:
        word = "[green]met[/green]" if goal.met else "[red]MISSED[/red]"
        console.print(f"  goal {word}: {goal.claim}; got {goal.got}", highlight=False)
    output.mkdir(parents=True, exist_ok=True)
    data = {
        "part": finding.part,
        "command": " ".join(["python", "benchmarks/inference", *sys.argv[1:]]),
        "machine": _machine(threads),
        "versions": versions(),
        "goals": [{"claim": g.claim, "got": g.got, "met": g.met} for g in finding.goals],
        "measured": finding.data,
    }
    file = output / f"{finding.part}.json"
    file.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    for ending, plot in finding.plots.items():
        (output / f"{finding.part}{ending}.svg").write_text(plot, encoding="utf-8")
    console.print(f"  {file} and {', '.join(f'{finding.part}{e}.svg' for e in finding.plots)}\n", highlight=False)
    return all(goal.met for goal in finding.goals if goal.exact)


def _machine(threads: int) -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "load_average": [round(x, 2) for x in os.getloadavg()],
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
