"""Decode steps of the packed engine, each timed, and the share of them in which a device did nothing."""

from __future__ import annotations

import asyncio
import random
import time

import torch

from lottery_plugins.engine.packed import PackedEngine
from lottery_plugins.protocols.engine import SamplingParams

from .number_text import NumberCodec

__all__ = ["PROFILED_TOKENS", "copy_bandwidth", "decode", "idle_share", "synchronize"]

_FROM, _COUNT = 12, 16  # decode steps that are profiled: after the captures, and enough for a mean
PROFILED_TOKENS = _FROM + _COUNT + 8


class TimedRunner:
    """A runner that notes when its steps of one token for each of `rows` rows begin, and profiles some of them."""

    def __init__(self, runner, rows, profiler=None):
        self._runner, self._rows, self._profiler = runner, rows, profiler
        self.begun, self.positions, self.wall = [], [], None

    def __getattr__(self, name):
        return getattr(self._runner, name)

    def begin(self, rows):
        if not len(rows) == self._rows == sum(len(row.ids) for row in rows):
            return self._runner.begin(rows)
        if self._profiler is not None and len(self.begun) == _FROM:
            self._profiler.start()
        self.begun.append(time.perf_counter())
        self.positions.append(sum(row.cached + 1 for row in rows))
        finish = self._runner.begin(rows)
        return lambda: self._finished(finish())

    def _finished(self, results):
        if self._profiler is not None and len(self.begun) == _FROM + _COUNT and self.wall is None:
            self.wall = time.perf_counter() - self.begun[_FROM]
            self._profiler.stop()
        return results


def copy_bandwidth(device, num_bytes):
    """Bytes read and written a second by a copy on the device; the best of five."""
    source = torch.ones(num_bytes // 4, dtype=torch.int32, device=device)
    target = torch.empty_like(source)
    taken = []
    for _ in range(6):
        synchronize(device)
        started = time.perf_counter()
        target.copy_(source)
        synchronize(device)
        taken.append(time.perf_counter() - started)
    return 2 * source.nbytes / min(taken[1:])


def synchronize(device):
    if device == "cuda":
        torch.cuda.synchronize()


def decode(subject, runner, trajectories, context, new, profiler=None):
    """Prompts of their own, then `new` tokens each; the runner's notes."""
    timed = TimedRunner(runner, trajectories, profiler)
    engine = PackedEngine(timed, NumberCodec(subject.vocab_size))
    params = SamplingParams(max_tokens=new, ignore_end=True)
    drawn = random.Random(1)
    prompts = [[drawn.randrange(4, subject.never) for _ in range(context)] for _ in range(trajectories)]

    async def all_of_them():
        await asyncio.gather(*(engine.generate(ids, engine.open(i), params) for i, ids in enumerate(prompts)))

    asyncio.run(all_of_them())
    return timed


def idle_share(subject, runner, trajectories, context, device):
    """Share of the profiled decode steps' wall time in which no kernel and no copy ran; None on the CPU."""
    if device != "cuda":
        return None
    activities = [torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities):
        torch.ones(1, device=device).sum().item()  # the first profile of a process sets up much
    profiler = torch.profiler.profile(activities=activities)
    timed = decode(subject, runner, trajectories, context, PROFILED_TOKENS, profiler)
    if timed.wall is None:
        return None
    on_device = torch.autograd.DeviceType.CUDA
    spans = sorted((e.time_range.start, e.time_range.end) for e in profiler.events() if e.device_type == on_device)
    busy, reached = 0.0, 0.0
    for start, end in spans:
        busy += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return max(0.0, 1 - busy / 1e6 / timed.wall)
