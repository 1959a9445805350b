"""What a tool that computes costs the model beside it: in a thread of the same process, and in a process of its own.

    python benchmarks/tool_workers.py [--seconds 2] [--rounds 5] [--threads 1]

A step is 30 layers of small matrix products for 8 rows, with the many short calls of a 135M model's decode step. Rounds
are interleaved; the table has medians and the ratio to the step alone. The second table has the time of one call of a
tool that does next to nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.console import Console
from rich.table import Table

from lottery_plugins.engine.workers import ToolWorkers
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.tools import Calculator
from lottery_plugins.trajectory import ToolResult

NUM_CALLS = 300


@dataclass(frozen=True)
class Counts:
    """A tool that keeps the interpreter busy for some seconds."""

    name: ClassVar[str] = "counts"
    summary: ClassVar[str] = "Counts."

    @property
    def description(self) -> ToolDescription:
        return ToolDescription(self.name, self.summary, (Parameter("seconds", "number", "how long"),))

    def call(self, arguments) -> ToolResult:
        end, count = time.perf_counter() + arguments["seconds"], 0
        while time.perf_counter() < end:
            count += 1
        return ToolResult(str(count))


def decode_step(num_threads: int) -> Callable[[], None]:
    import torch

    torch.set_num_threads(num_threads)
    torch.manual_seed(0)
    shapes = ((576, 960), (960, 576), (576, 1536), (1536, 576))
    layers = [[torch.randn(shape) * 0.02 for shape in shapes] for _ in range(30)]

    @torch.inference_mode()
    def step() -> None:
        x = torch.randn(8, 576)
        for mix, back, up, down in layers:
            h = torch.nn.functional.rms_norm(x, (576,))
            h = torch.softmax(h @ mix, -1)
            x = x + h.reshape(8, 15, 64).transpose(0, 1).contiguous().transpose(0, 1).reshape(8, 960) @ back
            h = torch.nn.functional.rms_norm(x, (576,))
            x = x + torch.nn.functional.silu(h @ up) @ down

    return step


async def step_ms(step: Callable[[], None], seconds: float) -> float:
    """Median time of the steps of some seconds; the loop has its turn after each, as in the scheduler."""
    times, end = [], time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        step()
        times.append(time.perf_counter() - start)
        await asyncio.sleep(0)
    return 1000 * statistics.median(times)


async def measured(step: Callable[[], None], tool, num_busy: int, args: argparse.Namespace) -> dict[str, list[float]]:
    workers = ToolWorkers({"counts": tool}, num_busy, 60.0)
    longer = {"seconds": args.seconds * 1.2}

    def in_threads():
        return [asyncio.ensure_future(asyncio.to_thread(tool.call, longer)) for _ in range(num_busy)]

    def in_processes():
        return [asyncio.ensure_future(workers.call("counts", longer)) for _ in range(num_busy)]

    ways = {"alone": list, "tool in a thread": in_threads, "tool in a process": in_processes}
    times: dict[str, list[float]] = {way: [] for way in ways}
    try:
        await asyncio.gather(*(workers.call("counts", {"seconds": 0.1}) for _ in range(num_busy)))
        for _ in range(args.rounds):
            for way, start in ways.items():
                calls = start()
                await asyncio.sleep(0.05)
                times[way].append(await step_ms(step, args.seconds))
                await asyncio.gather(*calls)
    finally:
        await workers.close()
    return times


async def round_trips() -> dict[str, list[float]]:
    calculator, loop = Calculator(), asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        workers = ToolWorkers({"calculator": calculator}, 1, 60.0)
        stack.push_async_callback(workers.close)
        start = time.perf_counter()
        await workers.call("calculator", {"expression": "1 + 1"})
        times: dict[str, list[float]] = {"process": [], "thread": [], "direct": []}
        times["process, first call"] = [1000 * (time.perf_counter() - start)]
        for i in range(NUM_CALLS):
            arguments = {"expression": f"({i} + 3) * 4 / 7"}
            for way in ("direct", "thread", "process"):
                start = time.perf_counter()
                if way == "direct":
                    calculator.call(arguments)
                elif way == "thread":
                    await loop.run_in_executor(None, calculator.call, arguments)
                else:
                    await workers.call("calculator", arguments)
                times[way].append(1000 * (time.perf_counter() - start))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="of steps in each measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    args = parser.parse_args()
    from tool_workers import Counts as Importable  # a class of the main program can't go to another process

    step = decode_step(args.threads)
    for _ in range(10):
        step()
    table = Table("tools busy", "step", "ms", "x alone", title=f"A model's step, {args.threads} thread(s)")
    for num_busy in (1, 4):
        times = asyncio.run(measured(step, Importable(), num_busy, args))
        alone = times["alone"]
        for way, found in times.items():
            ratio = statistics.median(f / a for f, a in zip(found, alone, strict=True))
            table.add_row(str(num_busy), way, f"{statistics.median(found):.2f}", f"{ratio:.2f}")
    Console().print(table)
    table = Table("calculator call", "ms", "slowest of 100", title="One call")
    for way, found in asyncio.run(round_trips()).items():
        table.add_row(way, f"{statistics.median(found):.3f}", f"{sorted(found)[int(len(found) * 0.99)]:.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
