"""What keeping finished steps costs: microseconds a completion and a sample, on the disk that the run would use.

    python benchmarks/store.py [--folder FOLDER] [--samples 200] [--steps 8]

Each sample takes its steps through `ReplayingFront`, whose model answers at once, and is then put into the store, which
drops its steps. A second run replays them. Each row has prompts of another length; a step's prompt is kept with it.
MB is the store's size at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lottery_plugins.engine.replay import ReplayingFront
from lottery_plugins.engine.store import SampleStore
from lottery_plugins.generation import Completion, GenerationConfig, GenerationRequest
from lottery_plugins.limits import StopReason
from lottery_plugins.messages import Message
from lottery_plugins.trajectory import Step, Trajectory

_LENGTHS = (1_000, 8_000, 64_000)


def shown(seconds: list[float]) -> str:
    """Median, mean and 99th percentile in microseconds."""
    at = sorted(seconds)
    return " / ".join(
        f"{1e6 * value:.0f}" for value in (statistics.median(at), statistics.fmean(at), at[int(len(at) * 0.99)])
    )


def prompt_of(sample: int, step: int, length: int) -> str:
    return f"{sample} {step} " + "word " * (length // 5)


class Instantly:
    """A text engine that takes no time."""

    async def generate(self, request: GenerationRequest) -> Completion:
        prompt = request.messages[0].content
        return Completion("x" * 200, prompt, prompt_tokens=200, completion_tokens=24, ids=tuple(range(24)))

    def count_tokens(self, text: str) -> int | None:
        return None

    def release(self, trajectory: int) -> None:
        pass


async def take_steps(store: SampleStore, samples: int, steps: int, length: int) -> list[float]:
    """Seconds of each step beyond the model, which takes none."""
    front = ReplayingFront(Instantly(), store, [str(i) for i in range(samples)])
    taken = []
    for sample in range(samples):
        for step in range(steps):
            messages = (Message("user", prompt_of(sample, step, length)),)
            request = GenerationRequest(messages, GenerationConfig(), trajectory=sample + 1)
            started = time.perf_counter()
            await front.generate(request)
            taken.append(time.perf_counter() - started)
    return taken


def finish_samples(store: SampleStore, samples: int, steps: int, length: int) -> list[float]:
    taken = []
    for sample in range(samples):
        record = tuple(
            Step(kind="generate", prompt=prompt_of(sample, step, length), output="x" * 200) for step in range(steps)
        )
        trajectory = Trajectory(
            task="t", doc_id=sample, sample=0, answer="x", stop_reason=StopReason.ANSWERED, steps=record
        )
        started = time.perf_counter()
        store.put(str(sample), trajectory)
        taken.append(time.perf_counter() - started)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--steps", type=int, default=8)
    args = parser.parse_args()
    columns = ("characters", "step kept", "given again", "sample finished", "MB")
    title = f"{args.samples} samples of {args.steps} steps, microseconds: median / mean / 99 %"
    table = Table(*columns, title=title)
    for length in _LENGTHS:
        with tempfile.TemporaryDirectory(dir=args.folder) as folder:
            path = Path(folder) / "store.sqlite"
            size = (args.samples, args.steps, length)
            kept = asyncio.run(take_steps(SampleStore(path), *size))
            again = asyncio.run(take_steps(SampleStore(path), *size))
            finished = finish_samples(SampleStore(path), *size)
            files = sum(file.stat().st_size for file in Path(folder).iterdir())
            table.add_row(f"{length:,}", shown(kept), shown(again), shown(finished), f"{files / 1e6:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
