"""The command line: which parts run, with which model and how many threads."""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console

from .children import ChildError
from .report import Finding, publish
from .ways import WAYS

__all__ = ["Settings", "main"]

# name -> (what it shows, "file"): each file has `run(settings) -> Finding`
PARTS = {
    "load": ("a multi-step load, against other ways of running it", "load"),
    "one-step": ("uneven prompts and multiple choice, against lm-eval's `hf`", "one_step"),
    "tools": ("tools that take 0 to 12 s, against rounds that wait for all of them", "slow_tools"),
    "scheduler": ("what the scheduler costs at 1,000 trajectories", "scheduling"),
    "memory": ("peak memory against what is needed", "peak_memory"),
    "growth": ("tokens a second and bytes as trajectories, steps and context grow", "growth"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user asked for. Passed to every part."""

    model: str
    threads: int
    quick: bool
    repeats: int
    ways: tuple[str, ...]
    trajectories: int | None
    steps: int | None
    latency_scale: float
    engine: dict[str, Any]
    say: Any


def main() -> int:
    """Run the chosen parts; 1 if an exact goal was missed or a part failed."""
    parser = _parser()
    args = parser.parse_args()
    if args.measure:
        return _measure(*args.measure)
    for part in args.parts:
        if part not in PARTS:
            parser.error(f"no part named {part!r}; there are: {', '.join(PARTS)}")
    for way in args.ways:
        if way not in WAYS:
            parser.error(f"no way named {way!r}; there are: {', '.join(WAYS)}")
    console = Console(width=None if os.isatty(1) else 140)
    settings = Settings(
        model=args.model or _small_model(console),
        threads=args.threads,
        quick=args.quick,
        repeats=args.repeats,
        ways=tuple(args.ways),
        trajectories=args.trajectories,
        steps=args.steps,
        latency_scale=args.latency_scale,
        engine=json.loads(args.engine),
        say=lambda line: console.print(f"{time.strftime('%H:%M:%S')} {line}", style="dim", highlight=False),
    )
    fine = True
    for part in args.parts or list(PARTS):
        console.print(f"[bold]{part}[/bold]: {PARTS[part][0]}", highlight=False)
        try:
            finding: Finding = import_module(f".{PARTS[part][1]}", __package__).run(settings)
        except ChildError as error:
            console.print(f"  [red]failed[/red]: {error}", highlight=False)
            fine = False
            continue
        fine &= publish(finding, args.output, args.threads, console)
    return 0 if fine else 1


def _parser() -> argparse.ArgumentParser:
    parts = "\n".join(f"  {name:10} {what}" for name, (what, _) in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="python benchmarks/inference",
        description="The inference core against other ways of running the same load.",
        epilog=f"parts:\n{parts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="which parts; all by default")
    parser.add_argument("--quick", action="store_true", help="small loads, to try the command")
    parser.add_argument("--model", help="a folder; by default the small model of `lottery quickstart`")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="threads of every way")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), metavar="WAY", help=f"load: {', '.join(WAYS)}")
    parser.add_argument("--repeats", type=int, default=1, help="load: runs of each way, in turn; medians count")
    parser.add_argument("--trajectories", type=int, help="load, tools: how many")
    parser.add_argument("--steps", type=int, help="load, tools: steps of each")
    parser.add_argument("--latency-scale", type=float, default=1.0, help="tools: factor of every tool's seconds")
    parser.add_argument("--engine", default="{}", help="options of our runner, as JSON")
    parser.add_argument("--output", type=Path, default=Path("runs/benchmarks"), help="folder of JSON files and plots")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    return parser


def _small_model(console: Console) -> str:
    from lottery_plugins.harness.small_model import ensure_small_model

    return str(ensure_small_model(say=console.print))


def _measure(name: str, settings: str, result: str) -> int:
    """In a child process: one measurement, its finding as JSON."""
    from .measurements import MEASUREMENTS

    file, function = MEASUREMENTS[name].split(":")
    found = getattr(import_module(f".{file}", __package__), function)(json.loads(settings))
    Path(result).write_text(json.dumps(found), encoding="utf-8")
    return 0
