"""All compression methods on one model: bytes, quality, speed, and scores by ability, plain and augmented.

    python benchmarks/compression_table.py --limit 50                       # hours on two cores
    python benchmarks/compression_table.py --only int4 wanda --limit 20     # some of them
    python benchmarks/compression_table.py --parts text                     # without lm-eval

Each spec is measured in processes of its own, one for the text and one for the tasks. What is finished is kept below
--out: the same command goes on where it was stopped, however it was. The table is written anew after every step.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # so that a checkout needs no installation

from benchmarks.compression_arms.report import publish, text_file  # noqa: E402 - after the path is set
from benchmarks.compression_arms.scored import ARMS, Settings, runs_of  # noqa: E402
from benchmarks.compression_arms.specs import choose  # noqa: E402
from lottery_plugins.errors import LotteryError  # noqa: E402
from lottery_plugins.harness.study import run_arm  # noqa: E402

PARTS = ("text", *ARMS)


def main():
    args = parser().parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([sys.path[0], os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    settings = Settings(
        model=args.model or small_model(), limit=args.limit, threads=args.threads, out=args.out, dtype=args.dtype
    )
    (settings.out / "text").mkdir(parents=True, exist_ok=True)
    chosen = choose(args.only)
    left_out = dict(chosen.left_out)
    steps = {"text": lambda spec: measure_text(spec, settings, args.tokens)} if "text" in args.parts else {}
    if arms := [part for part in args.parts if part in ARMS]:
        steps[" and ".join(arms)] = lambda spec: measure_scores(spec, arms, settings)
    for name, step in steps.items():
        for number, spec in enumerate(chosen.specs, 1):
            started = time.monotonic()
            if why := step(spec):
                left_out[f"{spec}, {name}"] = why
            took = f"{time.monotonic() - started:.0f} s"
            print(f"{name} {number}/{len(chosen.specs)} {spec}: {why or took}", flush=True)
            publish(chosen.specs, left_out, settings)
    print(publish(chosen.specs, left_out, settings))
    return 0


def measure_scores(spec, arms, settings):
    """The tasks under a spec, unless they were done before; why they failed, or ""."""
    runs = [run for arm in arms for run in runs_of(spec, arm, settings)]
    for run in runs:
        Path(run.output_path).mkdir(parents=True, exist_ok=True)
    try:
        run_arm(spec, runs)
    except LotteryError as error:
        return str(error)
    return ""


def measure_text(spec, settings, tokens):
    """Bytes, NLL and speed of a spec, unless they were measured before; why it failed, or ""."""
    out = text_file(spec, settings)
    wanted = {"model": settings.model, "tokens": tokens, "threads": settings.threads}
    if out.is_file() and json.loads(out.read_text(encoding="utf-8"))["settings"] == wanted:
        return ""
    words = [f"--{name}={value}" for name, value in wanted.items()]
    command = [sys.executable, "-m", "benchmarks.compression_arms.text", f"--spec={spec}", f"--out={out}", *words]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
    return ""


def small_model():
    from lottery_plugins.harness.small_model import ensure_small_model

    return str(ensure_small_model(say=print))


def parser():
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--model", help="a folder or hub name; by default the small model of `lottery quickstart`")
    made.add_argument("--only", nargs="+", default=[], metavar="WORD", help="specs with this in them, or whole specs")
    made.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS, help="steps (default: all)")
    made.add_argument("--limit", type=int, default=50, help="documents per task (default: %(default)s)")
    made.add_argument(
        "--tokens", type=int, default=24, help="generated for the speed; 0 skips it (default: %(default)s)"
    )
    made.add_argument("--dtype", default="float32", help="of the model that does the tasks (default: %(default)s)")
    made.add_argument("--threads", type=int, default=1, help="of torch (default: %(default)s)")
    made.add_argument("--out", type=Path, default=Path("runs/compression"), help="folder (default: %(default)s)")
    return made


if __name__ == "__main__":
    sys.exit(main())
