"""Part 1: a multi-step load, by every way that is installed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .children import ChildError, in_child, peak_bytes
from .loads import MultiStepLoad
from .report import Finding, Goal
from .svg import bars
from .ways import WAYS, Answers, make_way, missing

if TYPE_CHECKING:
    from .command import Settings

__all__ = ["measure_machine", "measure_way", "run"]

_GATE = 1.05  # of the ideal count of forwarded tokens
_GOALS = (("naive", 7.0), ("lm-eval", 5.0))
_COLUMNS = "way", "seconds", "processor s", "ours faster by", "of limit", "tokens forwarded", "of ideal", "peak GB"
_SHARE = 0.6  # of the machine's limit


def run(settings: Settings) -> Finding:
    """All ways in turn, each in a process of its own; then the machine's limit, measured in the same run."""
    small = MultiStepLoad(trajectories=8, steps=2) if settings.quick else MultiStepLoad()
    load = MultiStepLoad(trajectories=settings.trajectories or small.trajectories, steps=settings.steps or small.steps)
    runs: dict[str, list[dict[str, Any]]] = {}
    unable: dict[str, str] = {}
    for turn in range(settings.repeats):
        for name in settings.ways:
            reason = unable.get(name) or missing(name)
            if reason is None:
                settings.say(f"{name}, run {turn + 1} of {settings.repeats} ...")
                child = {"way": name, "model": settings.model, "load": asdict(load)}
                child["options"] = settings.engine if name == "lottery" else {}
                try:
                    runs.setdefault(name, []).append(in_child("way", child, settings.threads))
                except ChildError as error:
                    reason = f"failed: {error}"
            if reason:
                unable[name] = reason
    settings.say("limits of the machine ...")
    limits = in_child("limits", {"model": settings.model, "load": asdict(load)}, settings.threads)
    return _finding(load, {name: _median_run(row) for name, row in runs.items()}, unable, limits)


def _median_run(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The run of median time, with the times of all."""
    times = sorted(run["seconds"] for run in runs)
    middle = next(run for run in runs if run["seconds"] == times[(len(times) - 1) // 2])
    return middle | {"all_seconds": [run["seconds"] for run in runs]}


def measure_way(settings: dict[str, Any]) -> dict[str, Any]:
    """In a child: one way, after a first short run that warms it up."""
    from .subject import load_subject

    subject = load_subject(settings["model"])
    load = MultiStepLoad(**settings["load"])
    way = make_way(settings["way"], subject, settings["options"])
    way.run(MultiStepLoad(trajectories=2, steps=1, shared=8, observed=8, generated=2, seed=9))
    with subject.counter.watching():
        started, worked = time.perf_counter(), time.process_time()
        answers = way.run(load)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - worked
    forwarded, passes = subject.counter.take()
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "forwarded": forwarded if way.forwarded is None else way.forwarded,
        "passes": passes,
        "generated": sum(len(step) for row in answers for step in row),
        "peak_bytes": peak_bytes(),
        "answers": answers,
    }


def measure_machine(settings: dict[str, Any]) -> dict[str, Any]:
    """In a child: bandwidth and matrix products, and the least seconds of the load."""
    from .limits import Shape, least_seconds, measure_limits
    from .subject import load_subject

    shape = Shape.of(load_subject(settings["model"]).model)
    limits = measure_limits(shape)
    return limits.to_json() | {"least_seconds": least_seconds(MultiStepLoad(**settings["load"]), shape, limits)}


def _finding(
    load: MultiStepLoad, found: dict[str, dict[str, Any]], unable: dict[str, str], limits: dict[str, Any]
) -> Finding:
    least = limits["least_seconds"]
    finding = Finding("load", f"{load.trajectories} trajectories x {load.steps} steps, fp32, greedy", tuple(_COLUMNS))
    ours = found["lottery"]["seconds"] if "lottery" in found else None
    finding.rows = [_row(name, one, load, least, ours) for name, one in found.items()]
    finding.rows += [(WAYS[name][0], reason, *[""] * (len(_COLUMNS) - 2)) for name, reason in unable.items()]
    finding.notes = [
        f"Ideal: {load.ideal_forwarded:,} tokens forwarded, {load.generated_total:,} generated. Least seconds on this"
        f" machine: {least:.1f} ({limits['bytes_per_s'] / 1e9:.0f} GB/s read; GFLOP/s by rows: {_rates(limits)}).",
        _same_tokens({name: one["answers"] for name, one in found.items()}),
    ]
    finding.goals = _goals(load, found, least)
    finding.data = {
        "load": asdict(load) | {"ideal_forwarded": load.ideal_forwarded},
        "limits": limits,
        "ways": {n: {k: v for k, v in one.items() if k != "answers"} for n, one in found.items()},
        "unable": unable,
        "agreement": finding.notes[-1],
    }
    times = {WAYS[name][0]: one["seconds"] for name, one in found.items()}
    finding.plots[""] = bars(finding.title, times, "s", ("least on this machine", least))
    return finding


def _row(name: str, one: dict[str, Any], load: MultiStepLoad, least: float, ours: float | None) -> tuple[str, ...]:
    return (
        WAYS[name][0],
        f"{one['seconds']:.1f}",
        f"{one['cpu_seconds']:.1f}",
        f"{one['seconds'] / ours:.2f} x" if ours else "",
        f"{least / one['seconds']:.0%}",
        f"{one['forwarded']:,}",
        f"{one['forwarded'] / load.ideal_forwarded:.3f} x",
        f"{one['peak_bytes'] / 1e9:.2f}",
    )


def _goals(load: MultiStepLoad, found: dict[str, dict[str, Any]], least: float) -> list[Goal]:
    if "lottery" not in found:
        return []
    ours = found["lottery"]
    counted = ours["forwarded"] / load.ideal_forwarded
    goals = [Goal(f"forwarded tokens at most {_GATE} x ideal", f"{counted:.3f} x", counted <= _GATE, exact=True)]
    for name, factor in _GOALS:
        if name in found:
            got = found[name]["seconds"] / ours["seconds"]
            goals.append(Goal(f"at least {factor:.0f} x faster than {WAYS[name][0]}", f"{got:.2f} x", got >= factor))
    share = least / ours["seconds"]
    return [*goals, Goal(f"at least {_SHARE:.0%} of the machine's limit", f"{share:.0%}", share >= _SHARE)]


def _rates(limits: dict[str, Any]) -> str:
    kinds = [", ".join(f"{rows}: {f / 1e9:.0f}" for rows, f in k.items()) for k in limits["flops"].values()]
    return "; ".join(f"{name} {text}" for name, text in zip(limits["flops"], kinds, strict=True))


def _same_tokens(answers: dict[str, Answers]) -> str:
    """Which ways gave the same tokens as the first, and how many steps differ in the others."""
    names = list(answers)
    if len(names) < 2:
        return ""
    parts = []
    for name in names[1:]:
        differ, total = _differing(answers[names[0]], answers[name])
        parts.append(f"{name}: the same" if not differ else f"{name}: {differ} of {total} steps DIFFER")
    return f"Tokens against {names[0]}: " + "; ".join(parts) + "."


def _differing(one: Answers, other: Answers) -> tuple[int, int]:
    """Steps that differ, and steps in all. After a first difference a trajectory's later steps differ as well."""
    pairs: Sequence[tuple[list[int], list[int]]] = [
        (a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True)
    ]
    return sum(a != b for a, b in pairs), len(pairs)
