"""Part 4: what planning, stop checks and bookkeeping cost, at 1,000 live trajectories."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .children import in_child
from .loads import MultiStepLoad
from .report import Finding, Goal
from .svg import bars

if TYPE_CHECKING:
    from lottery_plugins.engine.packed import PackedEngine
    from lottery_plugins.protocols.runner import Runner

    from .command import Settings

__all__ = ["measure_instant", "measure_real", "run"]

_STOPS = ("Question:", "\n\n", "</s>", "<7> <7> <7>")  # as many as a reasoner has; the last begins at every token
_DEVICE_ROWS = 1024
_GOAL = 0.02
_CACHE_GB = 3.0


def run(settings: Settings) -> Finding:
    """The real model first; then the same load on a runner that answers at once, with the same and with big steps."""
    load = MultiStepLoad(
        trajectories=settings.trajectories or (100 if settings.quick else 1000),
        steps=2, shared=64, observed=8, generated=8,
    )  # fmt: skip
    child = {"model": settings.model, "load": asdict(load), "options": {"kv_cache_gb": _CACHE_GB} | settings.engine}
    settings.say("with the model ...")
    real = in_child("scheduler_real", child, settings.threads)
    settings.say("without a model ...")
    instant = {
        rows: in_child("scheduler_instant", child | {"rows": rows, "vocab_size": real["vocab_size"]}, settings.threads)
        for rows in dict.fromkeys((real["max_step_tokens"], _DEVICE_ROWS))
    }
    return _finding(load, real, instant)


def measure_real(settings: dict[str, Any]) -> dict[str, Any]:
    """In a child: the load on the packed runner."""
    from .subject import load_subject
    from .ways_ours import make_runner

    subject = load_subject(settings["model"])
    load = MultiStepLoad(**settings["load"])
    runner = make_runner(subject, **settings["options"])
    found = _measured(runner, load, subject.text_ids, subject.vocab_size)
    return found | {"vocab_size": subject.vocab_size, "max_step_tokens": runner.max_step_tokens}


def measure_instant(settings: dict[str, Any]) -> dict[str, Any]:
    """In a child: the load without a model; the fastest of three runs."""
    from .runners import InstantRunner

    load = MultiStepLoad(**settings["load"])
    blocks = load.trajectories * (load.longest // InstantRunner.block_size + 2)
    runs = [
        _measured(
            InstantRunner(blocks, settings["rows"], settings["vocab_size"]),
            load,
            list(range(1, 1500)),
            settings["vocab_size"],
        )
        for _ in range(3)
    ]
    return min(runs, key=lambda one: float(one["own_seconds"]))


def _measured(runner: Runner, load: MultiStepLoad, ids: list[int], vocab_size: int) -> dict[str, Any]:
    from lottery_plugins.engine.packed import PackedEngine

    from .number_text import NumberCodec
    from .runners import WatchedRunner

    watched = WatchedRunner(runner)
    codec = NumberCodec(vocab_size)
    _ = codec.token_bytes  # made once a run, before the first request
    engine = PackedEngine(watched, codec)
    started = time.perf_counter()
    asyncio.run(_solve_all(engine, load, ids))
    seconds = time.perf_counter() - started
    full = [r for r in watched.rows if r >= min(load.trajectories, runner.max_step_tokens) * 0.9]
    return {
        "seconds": seconds,
        "model_seconds": watched.seconds,
        "own_seconds": seconds - watched.seconds,
        "schedule_seconds": engine.statistics.schedule_s,
        "steps": len(watched.rows),
        "full_steps": len(full),
        "rows": sum(watched.rows),
        "tokens": sum(watched.tokens),
    }


async def _solve_all(engine: PackedEngine, load: MultiStepLoad, ids: list[int]) -> None:
    from lottery_plugins.protocols.engine import SamplingParams

    params = SamplingParams(max_tokens=load.generated, stop=_STOPS, ignore_end=True)
    prompt = load.prompt(ids)

    async def solve(rank: int, steps: list[list[int]]) -> None:
        session = engine.open(rank)
        for step, new in enumerate(steps):
            await engine.generate(new if step else prompt + new, session, params)
        engine.release(session)

    await asyncio.gather(*(solve(i, steps) for i, steps in enumerate(load.observations(ids))))


def _finding(load: MultiStepLoad, real: dict[str, Any], instant: dict[int, dict[str, Any]]) -> Finding:
    finding = Finding(
        "scheduler",
        f"The engine's own time: {load.trajectories:,} trajectories x {load.steps} steps, {len(_STOPS)} stop strings",
        ("runner", "tokens a step", "steps", "seconds", "own, us a step", "own, us a row", "own share"),
    )
    named = [("the model", real["max_step_tokens"], real)]
    named += [("answers at once", rows, one) for rows, one in instant.items()]
    for name, rows, one in named:
        share = f"{one['own_seconds'] / one['seconds']:.2%}" if one is real else ""
        finding.rows.append(
            (
                name,
                f"{rows:,}",
                f"{one['steps']:,}",
                f"{one['seconds']:.2f}",
                f"{1e6 * one['own_seconds'] / one['steps']:,.0f}",
                f"{1e6 * one['own_seconds'] / one['rows']:.1f}",
                share,
            )
        )
    share = real["own_seconds"] / real["seconds"]
    claim = f"planning, stop checks and bookkeeping at most {_GOAL:.0%} of step time"
    finding.goals = [Goal(claim, f"{share:.2%}", share <= _GOAL)]
    finding.notes = ["Own time is all that is not the runner's: event loop and the trajectories' coroutines included."]
    finding.data = {"load": asdict(load), "real": real, "instant": instant}
    per_step = {f"{name}, {rows:,} tokens a step": 1e6 * one["own_seconds"] / one["steps"] for name, rows, one in named}
    finding.plots[""] = bars("Engine's own time a step", per_step, "us")
    return finding
