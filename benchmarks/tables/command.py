"""The command line: run the arms, then print and write the tables."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from lottery_plugins.errors import LotteryError
from lottery_plugins.harness.study import run_arm

from .arms import TABLES
from .measure import Cell, read_cell
from .report import Report, publish
from .runs import Settings, missing, run_of

__all__ = ["main"]

CHECKOUT = str(Path(__file__).resolve().parents[2])
"""Where the arms' own processes find the package too."""


def main() -> int:
    """Run and show the chosen tables; 1 when a run failed."""
    parser = _parser()
    args = parser.parse_args()
    for name in args.tables:
        if name not in TABLES:
            parser.error(f"no table named {name!r}; there are: {', '.join(TABLES)}")
    os.environ["PYTHONPATH"] = os.pathsep.join([CHECKOUT, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    settings = Settings(
        model=args.model or _small_model(),
        data=args.data.resolve(),
        limit=args.limit,
        threads=args.threads,
        out=args.out,
    )
    try:
        for name in args.tables or list(TABLES):
            publish(_measured(name, settings), settings.out)
    except LotteryError as error:
        print(f"error: {error}")
        return 1
    return 0


def _measured(name: str, settings: Settings) -> Report:
    table = TABLES[name]
    report = Report(name, table, settings)
    for number, arm in enumerate(table.arms):
        run = run_of(name, table, number, settings)
        if reason := missing(run):
            report.skipped[arm.name] = reason
            print(f"{name}: {arm.name} is left out: {reason}")
            continue
        started = time.monotonic()
        Path(run.output_path).mkdir(parents=True, exist_ok=True)
        run_arm(arm.name, [run])
        print(f"{name}: {arm.name} took {time.monotonic() - started:.0f} s", flush=True)
        cells: list[Cell] = [read_cell(Path(run.output_path), arm.name, task) for task in run.tasks]
        report.add(run, cells)
    return report


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python benchmarks/small_model_tables.py",
        description="The paper's tables with a small model, through lm-eval, on real rows.",
        epilog=f"tables: {', '.join(TABLES)}. What is finished is not done again: runs are kept below --out.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder as in task_yaml/paper/README.md")
    parser.add_argument("--model", help="a folder or hub name; by default the small model of `lottery quickstart`")
    parser.add_argument("--limit", type=int, default=100, help="documents per task (default: %(default)s)")
    parser.add_argument("--tables", nargs="+", default=[], metavar="NAME", help="which; all by default")
    parser.add_argument("--threads", type=int, default=1, help="threads of the model (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("runs/tables"), help="folder (default: %(default)s)")
    return parser


def _small_model() -> str:
    from lottery_plugins.harness.small_model import ensure_small_model

    return str(ensure_small_model(say=print))
