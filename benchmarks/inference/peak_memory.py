"""Part 5: the peak of a run whose cache has room for a quarter of the trajectories, against what must be in memory."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .children import in_child, peak_bytes
from .loads import MultiStepLoad
from .report import Finding, Goal
from .svg import bars

if TYPE_CHECKING:
    from .command import Settings
    from .limits import Shape

__all__ = ["measure", "run"]

_SHARE = 4  # the cache holds every fourth trajectory
_GOAL = 1.1
_BLOCK = 16


def run(settings: Settings) -> Finding:
    """One run; what is in memory is counted, its sum compared with the peak."""
    small = MultiStepLoad(trajectories=8, steps=2) if settings.quick else MultiStepLoad()
    load = MultiStepLoad(trajectories=settings.trajectories or small.trajectories, steps=settings.steps or small.steps)
    settings.say("a run with a small cache ...")
    child = {"model": settings.model, "load": asdict(load), "options": settings.engine}
    return _finding(load, in_child("memory", child, settings.threads))


def measure(settings: dict[str, Any]) -> dict[str, Any]:
    """In a child: memory before the model, what is then added, and the peak while the load runs."""
    import transformers.models.llama.modeling_llama  # noqa: F401 - counted as the libraries' share

    from lottery_plugins.backends.packed.linear import FastLinear
    from lottery_plugins.engine.packed import PackedEngine

    from .limits import Shape
    from .number_text import NumberCodec
    from .runners import WatchedRunner
    from .subject import load_subject
    from .ways_ours import make_runner, solve_all

    libraries = _status("VmRSS")
    subject = load_subject(settings["model"])
    load = MultiStepLoad(**settings["load"])
    shape = Shape.of(subject.model)
    of_position = 4 * shape.cache_size * shape.layers
    options = {"kv_cache_gb": of_position * _room(load) / 1e9, "block_size": _BLOCK}
    runner = make_runner(subject, **options | settings["options"])
    copies = sum(m.weight.nbytes for m in gc.get_objects() if isinstance(m, FastLinear))
    loading_peak = peak_bytes()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak counts from here
    watched = WatchedRunner(runner, watch_blocks=True)
    engine = PackedEngine(watched, NumberCodec(subject.vocab_size))
    answers = asyncio.run(solve_all(engine, load, subject.text_ids))
    return {
        "peak_bytes": _status("VmHWM"),
        "loading_peak_bytes": loading_peak,
        "libraries": libraries,
        "weights": sum(p.nbytes for p in subject.model.parameters()),
        "prepacked copies": copies,
        "cache": runner.num_blocks * _BLOCK * of_position,
        "activations": _activations(shape, runner.max_step_tokens, load.trajectories),
        "num_blocks": runner.num_blocks,
        "most_blocks": watched.most_blocks,
        "highest_block": watched.highest_block,
        "answers": sum(len(row) for row in answers),
        "evicted_blocks": engine.statistics.evicted_blocks,
        "forwarded": engine.statistics.forwarded_tokens,
    }


def _activations(shape: Shape, tokens: int, drawn: int) -> int:
    """Bytes of a step's widest layer, and of its logits twice."""
    widest = sum(out for out, _ in shape.matrices) + 4 * shape.head[1]
    return 4 * (tokens * widest + 2 * drawn * shape.head[0])


def _room(load: MultiStepLoad) -> int:
    """Positions for a quarter of the trajectories at their ends."""
    own = load.longest - load.shared + 2 * _BLOCK
    return load.shared + max(load.trajectories // _SHARE, 1) * own


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {name}; this part needs Linux")


def _finding(load: MultiStepLoad, found: dict[str, Any]) -> Finding:
    parts = ("libraries", "weights", "prepacked copies", "cache", "activations")
    need = sum(found[part] for part in parts)
    peak = found["peak_bytes"]
    finding = Finding(
        "memory",
        f"Memory: {load.trajectories} trajectories x {load.steps} steps, cache for a quarter of them",
        ("what", "MB"),
        [(part, f"{found[part] / 1e6:,.0f}") for part in parts],
    )
    finding.rows += [("needed, all together", f"{need / 1e6:,.0f}"), ("peak while running", f"{peak / 1e6:,.0f}")]
    finding.rows.append(("peak while loading", f"{found['loading_peak_bytes'] / 1e6:,.0f}"))
    ideal = load.ideal_forwarded
    finding.notes = [
        f"Cache: {found['num_blocks']} blocks, at most {found['most_blocks']} in use;"
        f" {found['evicted_blocks']} evicted. Tokens forwarded: {found['forwarded'] / ideal:.3f} x the ideal count."
    ]
    kept = found["most_blocks"] <= found["num_blocks"] and found["highest_block"] < found["num_blocks"]
    wanted = load.trajectories * load.steps
    finding.goals = [
        Goal("no block above the cache's budget", f"block {found['highest_block']} at most", kept, exact=True),
        Goal("every request answered", f"{found['answers']} of {wanted}", found["answers"] == wanted, exact=True),
        Goal(f"peak at most {_GOAL} x the need", f"{peak / need:.2f} x", peak <= _GOAL * need),
    ]
    finding.data = {"load": asdict(load), "needed_bytes": need, **found}
    sizes = {part: found[part] / 1e6 for part in parts} | {"peak while running": peak / 1e6}
    finding.plots[""] = bars(finding.title, sizes, "MB", ("needed", need / 1e6))
    return finding
