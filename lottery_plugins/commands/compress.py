"""`lottery compress MODEL --compression SPEC --out DIR`: a compressed checkpoint that `from_pretrained` reads."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lottery_plugins.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from lottery_plugins.compression.apply import CompressionReport
    from lottery_plugins.compression.checkpoint_make import Job

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", metavar="MODEL", help="folder or hub name of the original")
    parser.add_argument(
        "--compression", required=True, metavar="SPEC", help="as in --model_args: int4+wanda:sparsity=0.5"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write")
    parser.add_argument("--calibration", metavar="FILE", help="text for all methods that use one (default: bundled)")
    parser.add_argument("--dtype", default="auto", help="type to load the model in (default: as it is stored)")
    parser.add_argument("--device", default="cpu", help="where to compress (default: %(default)s)")
    parser.add_argument("--revision", help="of a model on the hub")
    parser.add_argument("--force", action="store_true", help="replace an older checkpoint in DIR")


def run(args: argparse.Namespace) -> int:
    """Make the checkpoint and say how large it is."""
    from rich.console import Console

    from lottery_plugins.compression.checkpoint_make import check

    job = _job(args)
    check(job)  # before torch is loaded
    console = Console(stderr=True)
    _show(_made(job, console), args.out, Console())
    return 0


def _job(args: argparse.Namespace) -> Job:
    from lottery_plugins.compression.checkpoint_make import Job
    from lottery_plugins.discovery import discover
    from lottery_plugins.specs import parse_specs, write_specs

    registry = discover()
    specs = parse_specs(args.compression, "--compression")
    if args.calibration is not None and not Path(args.calibration).is_file():
        raise ConfigError("--calibration", args.calibration, "a text file")
    return Job(
        model=args.model,
        compression=write_specs(specs),
        methods=[registry.create("compression", spec) for spec in specs],
        out=args.out,
        calibration=args.calibration or "",
        dtype=args.dtype,
        device=args.device,
        revision=args.revision,
        force=args.force,
    )


def _made(job: Job, console: Console) -> CompressionReport:
    """Make it, with a bar for each method that tells how far it is."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    from lottery_plugins.compression.checkpoint_make import make_checkpoint
    from lottery_plugins.compression.progress import listening

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bars: dict[str, TaskID] = {}

        def tell(doing: str, done: int, total: int) -> None:
            if doing not in bars:
                bars[doing] = progress.add_task(doing, total=total)
            progress.update(bars[doing], completed=done)

        with listening(tell):
            return make_checkpoint(job)


def _show(report: CompressionReport, out: Path, console: Console) -> None:
    before, after = report.before, report.after
    console.print(
        f"{out}: {after.total:,} bytes of weights, {after.total / before.total:.3f} of the original's; "
        f"{after.other / before.other:.3f} without embeddings; {report.seconds:.0f} s.",
        markup=False,
        soft_wrap=True,
    )
    if after.note:
        console.print(f"Nominal {after.nominal / before.total:.3f}: {after.note}.", markup=False)
    console.print(
        f"Use it: lm-eval run --model lottery --model_args pretrained={out} --tasks ...", markup=False, soft_wrap=True
    )
