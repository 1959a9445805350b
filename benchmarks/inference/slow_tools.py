"""Part 3: tools that take 0 to 12 s between the steps; against the same engine run in rounds that wait for all."""

from __future__ import annotations

import asyncio
import math
import random
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .children import in_child
from .loads import MultiStepLoad
from .report import Finding, Goal
from .svg import bars

if TYPE_CHECKING:
    from lottery_plugins.protocols.engine import SamplingParams, Session, TokenEngine

    from .command import Settings

__all__ = ["latencies", "measure", "run"]

_MEAN_S, _MOST_S = 2.0, 12.0
_GOAL = 0.8


def run(settings: Settings) -> Finding:
    """Three runs of one engine and load: without tools, continuous, and in rounds."""
    small = MultiStepLoad(trajectories=8, steps=3) if settings.quick else MultiStepLoad()
    load = MultiStepLoad(trajectories=settings.trajectories or small.trajectories, steps=settings.steps or small.steps)
    settings.say("no tools, continuous, rounds ...")
    child = {
        "model": settings.model,
        "load": asdict(load),
        "options": settings.engine,
        "scale": settings.latency_scale,
    }
    return _finding(load, settings.latency_scale, in_child("tools", child, settings.threads))


def latencies(load: MultiStepLoad, scale: float) -> list[list[float]]:
    """Seconds of the tool call after each step but the last, by trajectory: most are short, a few take long.

    The quantiles of an exponential distribution, shuffled: however few calls there are, they have its mean.
    """
    num = load.trajectories * (load.steps - 1)
    drawn = [min(-_MEAN_S * math.log(1 - (i + 0.5) / num), _MOST_S) for i in range(num)]
    random.Random(load.seed + 7).shuffle(drawn)
    per_row = load.steps - 1
    return [[scale * s for s in drawn[t * per_row : (t + 1) * per_row]] for t in range(load.trajectories)]


def measure(settings: dict[str, Any]) -> dict[str, Any]:
    """In a child: each driver on a fresh engine."""
    from lottery_plugins.engine.packed import PackedEngine

    from .number_text import NumberCodec
    from .subject import load_subject
    from .ways_ours import make_runner

    subject = load_subject(settings["model"])
    runner = make_runner(subject, **settings["options"])
    load = MultiStepLoad(**settings["load"])
    waits = latencies(load, settings["scale"])
    found: dict[str, Any] = {"tool_seconds": waits}
    answers = []
    for name, solve, seconds in (
        ("no tools", _continuous, [[0.0] * len(row) for row in waits]),
        ("continuous", _continuous, waits),
        ("rounds", _in_rounds, waits),
    ):
        engine = PackedEngine(runner, NumberCodec(subject.vocab_size))
        started = time.perf_counter()
        answers.append(asyncio.run(solve(engine, load, subject.text_ids, seconds)))
        found[name] = {"seconds": time.perf_counter() - started, **engine.statistics.to_json()}
    found["same"] = all(one == answers[0] for one in answers)
    return found


async def _continuous(engine: TokenEngine, load: MultiStepLoad, ids: list[int], waits: list[list[float]]) -> Any:
    """A coroutine per trajectory: whose tool has answered goes on."""

    async def solve(rank: int, steps: list[list[int]]) -> list[tuple[int, ...]]:
        session, answers = engine.open(rank), []
        for step, new in enumerate(steps):
            if step:
                await asyncio.sleep(waits[rank][step - 1])
            answers.append((await engine.generate(new, session, _params(load))).ids)
        return answers

    return await asyncio.gather(*(solve(i, steps) for i, steps in enumerate(_steps(load, ids))))


async def _in_rounds(engine: TokenEngine, load: MultiStepLoad, ids: list[int], waits: list[list[float]]) -> Any:
    """All generate, then all tools run, then all generate: a round ends with its slowest tool."""
    steps = _steps(load, ids)
    sessions: list[Session] = [engine.open(i) for i in range(load.trajectories)]
    answers: list[list[tuple[int, ...]]] = [[] for _ in sessions]
    for step in range(load.steps):
        if step:
            await asyncio.gather(*(asyncio.sleep(row[step - 1]) for row in waits))
        made = await asyncio.gather(
            *(engine.generate(steps[i][step], session, _params(load)) for i, session in enumerate(sessions))
        )
        for row, completion in zip(answers, made, strict=True):
            row.append(completion.ids)
    return answers


def _steps(load: MultiStepLoad, ids: list[int]) -> list[list[list[int]]]:
    prompt = load.prompt(ids)
    return [[prompt + row[0], *row[1:]] for row in load.observations(ids)]


def _params(load: MultiStepLoad) -> SamplingParams:
    from lottery_plugins.protocols.engine import SamplingParams

    return SamplingParams(max_tokens=load.generated, ignore_end=True)


def _finding(load: MultiStepLoad, scale: float, found: dict[str, Any]) -> Finding:
    waits = [seconds for row in found["tool_seconds"] for seconds in row]
    rounds, continuous = found["rounds"]["seconds"], found["continuous"]["seconds"]
    finding = Finding(
        "tools",
        f"{load.trajectories} trajectories x {load.steps} steps; tools of 0 to {_MOST_S * scale:g} s",
        ("driver", "seconds", "of rounds", "model busy", "tokens forwarded"),
    )
    names = {"no tools": "no tools at all", "rounds": "a round waits for all tools", "continuous": "ours: nobody waits"}
    for name, what in names.items():
        one = found[name]
        finding.rows.append(
            (
                what,
                f"{one['seconds']:.1f}",
                f"{one['seconds'] / rounds:.2f} x",
                f"{one['busy_share']:.0%}",
                f"{one['forwarded_tokens']:,}",
            )
        )
    finding.notes = [
        f"{len(waits)} tool calls, {sum(waits) / len(waits):.1f} s in the mean, {max(waits):.1f} s at most."
        f" Tokens of all three: {'the same' if found['same'] else 'they DIFFER'}."
    ]
    got = continuous / rounds
    finding.goals = [Goal(f"at most {_GOAL} x the time of rounds", f"{got:.2f} x", got <= _GOAL)]
    finding.data = {"load": asdict(load), "latency_scale": scale, **found}
    finding.plots[""] = bars(finding.title, {what: found[name]["seconds"] for name, what in names.items()}, "s")
    return finding
