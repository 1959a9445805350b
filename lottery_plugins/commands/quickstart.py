"""`lottery quickstart`: the four arms on a small real model, through lm-eval, to a verdict."""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lottery_plugins.errors import ConfigError, DataError

if TYPE_CHECKING:
    from rich.console import Console

    from lottery_plugins.harness.study import HarnessRun
    from lottery_plugins.results.comparison import Comparison

__all__ = ["add_arguments", "plan", "run"]

AUGMENTED: dict[str, dict[str, str]] = {
    "lottery_needle": {"reasoner": "retrieve-then-read:top_k=1", "retriever": "prompt"},
    "lottery_invented_facts": {"reasoner": "retrieve-then-read:top_k=1", "retriever": "bm25"},
    "lottery_arithmetic": {"reasoner": "program-aided", "tools": "python"},
}
"""What each task of the quickstart is given in the augmented arms: abilities 1 and 2 of the paper."""

KNOBS = {"needle_lengths": [256, 512]}
"""Shorter contexts than the tasks' own, so that two cores are done in minutes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--model", help="folder or hub name of another model (default: SmolLM2-135M-Instruct)")
    parser.add_argument("--compression", default="int8", help="spec of the ticket's compression (default: %(default)s)")
    parser.add_argument("--limit", type=int, default=32, help="documents per task (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=8, help="as lm-eval's (default: %(default)s)")
    parser.add_argument(
        "--margin", type=float, default=0.05, help="largest loss that is accepted (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/quickstart"), help="folder (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="compute again what is already finished")


def plan(model: str, args: argparse.Namespace) -> dict[str, list[HarnessRun]]:
    """The runs of each arm: the plain arms in one run, the augmented ones in one run per task."""
    from lottery_plugins.harness.study import HarnessRun
    from lottery_plugins.results.comparison import STUDY_ARMS

    def runs(arm: str, compression: dict[str, str], *, augmented: bool) -> list[HarnessRun]:
        groups = [([task], extra) for task, extra in AUGMENTED.items()] if augmented else [(list(AUGMENTED), {})]
        return [
            HarnessRun(
                model_args={"pretrained": model, "dtype": "float32", **compression, **extra},
                tasks=tasks,
                output_path=str(args.out / arm / (tasks[0] if augmented else "all")),
                limit=args.limit,
                batch_size=args.batch_size,
                metadata=KNOBS,
            )
            for tasks, extra in groups
        ]

    ticket = {"compression": args.compression}
    return {
        arm: runs(arm, ticket if arm.startswith("compressed") else {}, augmented=arm.endswith("augmented"))
        for arm in STUDY_ARMS
    }


def run(args: argparse.Namespace) -> int:
    """Get the model, run the arms, compare them."""
    from rich.console import Console

    from lottery_plugins.harness.study import commands_of, run_arm

    _check(args)
    console = Console()
    started = time.monotonic()
    model = args.model or str(_small_model(console))
    if args.fresh and args.out.exists():
        shutil.rmtree(args.out)
    _make_folder(args.out)
    arms = plan(model, args)
    (args.out / "commands.txt").write_text(commands_of([r for runs in arms.values() for r in runs]) + "\n", "utf-8")
    for i, (arm, runs) in enumerate(arms.items(), 1):
        console.print(f"[bold]{i}/{len(arms)}[/bold] {arm}")
        run_arm(arm, runs)
    _show(args, console)
    console.print(
        f"{time.monotonic() - started:.0f} s. Files: {args.out}; the same as stock commands: commands.txt there"
    )
    return 0


def _small_model(console: Console) -> Path:
    from lottery_plugins.harness.small_model import ensure_small_model

    return ensure_small_model(say=lambda text: console.print(text, markup=False))


def _show(args: argparse.Namespace, console: Console) -> None:
    from lottery_plugins.results.compare import compare_study
    from lottery_plugins.results.comparison import STUDY_ARMS
    from lottery_plugins.results.options import CompareOptions
    from lottery_plugins.results.render import render_json, render_markdown, render_table

    comparison = compare_study({arm: args.out / arm for arm in STUDY_ARMS}, CompareOptions(margin=args.margin))
    render_table(comparison, console)
    console.print(_in_words(comparison, args.compression), markup=False, style="bold")
    (args.out / "comparison.json").write_text(render_json(comparison), "utf-8")
    (args.out / "comparison.md").write_text(render_markdown(comparison), "utf-8")


def _in_words(comparison: Comparison, compression: str) -> str:
    """The ticket's verdicts in one sentence."""
    ticket = {task.task: task.arms[-1].judged for task in comparison.tasks}
    words = ", ".join(f"{judged.verdict} on {task}" for task, judged in ticket.items() if judged is not None)
    weights = comparison.tasks[0].arms[-1].weights
    size = ""
    if weights is not None and weights.stored and weights.original_stored:
        size = f", its weights {weights.stored / weights.original_stored:.0%} of the original's bytes"
    return f"The ticket ({compression}, augmented) against the original without help: {words}{size}."


def _check(args: argparse.Namespace) -> None:
    if args.limit < 1:
        raise ConfigError("--limit", args.limit, "a whole number of at least 1")
    if args.batch_size < 1:
        raise ConfigError("--batch-size", args.batch_size, "a whole number of at least 1")
    if not 0 < args.margin <= 1:
        raise ConfigError("--margin", args.margin, "a number in (0, 1]", "It is the largest loss you accept, in score.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"--out {folder}", f"can't be made: {error.strerror}", "Name another folder.") from error
