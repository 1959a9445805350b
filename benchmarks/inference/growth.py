"""Part 6: tokens a second and cache bytes as trajectories, steps and context grow."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .children import in_child
from .loads import MultiStepLoad
from .report import Finding
from .svg import lines

if TYPE_CHECKING:
    from .command import Settings

__all__ = ["measure", "run", "series"]

_RANDOM = "random Llama, 4 layers"


def series(name: str, quick: bool) -> dict[str, list[tuple[int, MultiStepLoad]]]:
    """Loads by what grows in them: the number that grows, and the load. A real model gets fewer and smaller ones."""
    few = name != _RANDOM
    trajectories = (8, 32, 128) if few else (8, 32, 128, 512)
    steps = (1, 4) if few else (1, 2, 4, 8, 16)
    context = (256, 1024, 4096) if few else (256, 1024, 4096, 16384)
    if quick:
        trajectories, steps, context = trajectories[:2], steps[:2], context[:2]
    return {
        "trajectories": [(n, _load(trajectories=n)) for n in trajectories],
        "steps": [(n, _load(trajectories=16, steps=n)) for n in steps],
        "context": [(n, _load(trajectories=4, steps=1, shared=16, observed=n)) for n in context],
    }


def _load(**fields: int) -> MultiStepLoad:
    return MultiStepLoad(**{"steps": 2, "shared": 256, "observed": 32, "generated": 16} | fields)


def run(settings: Settings) -> Finding:
    """Each model in a process of its own."""
    found = {}
    for name, folder in ((_RANDOM, ""), ("the model", settings.model)):
        settings.say(f"{name} ...")
        child = {"name": name, "model": folder, "quick": settings.quick, "options": settings.engine}
        found[name] = in_child("growth", child, settings.threads)
    return _finding(found)


def measure(settings: dict[str, Any]) -> dict[str, Any]:
    """In a child: all loads of one model, each on a fresh engine."""
    from lottery_plugins.engine.packed import PackedEngine

    from .limits import Shape
    from .number_text import NumberCodec
    from .runners import WatchedRunner
    from .subject import load_subject, random_llama
    from .ways_ours import make_runner, solve_all

    subject = load_subject(settings["model"]) if settings["model"] else random_llama()
    shape = Shape.of(subject.model)
    of_position = 4 * shape.cache_size * shape.layers
    loads = series(settings["name"], settings["quick"])
    most = max(load.shared + load.trajectories * load.longest for row in loads.values() for _, load in row)
    runner = make_runner(subject, **{"kv_cache_gb": min(most * of_position / 1e9, 4.0)} | settings["options"])
    codec = NumberCodec(subject.vocab_size)
    found: dict[str, Any] = {}
    for axis, row in loads.items():
        found[axis] = []
        for number, load in row:
            watched = WatchedRunner(runner, watch_blocks=True)
            engine = PackedEngine(watched, codec)
            started = time.perf_counter()
            asyncio.run(solve_all(engine, load, subject.text_ids))
            found[axis].append(
                {
                    "number": number,
                    "load": asdict(load),
                    "seconds": time.perf_counter() - started,
                    "forwarded": engine.statistics.forwarded_tokens,
                    "of_ideal": engine.statistics.forwarded_tokens / load.ideal_forwarded,
                    "generated": engine.statistics.generated_tokens,
                    "cache_bytes": watched.most_blocks * runner.block_size * of_position,
                    "steps": engine.statistics.steps,
                }
            )
    return found


def _finding(found: dict[str, Any]) -> Finding:
    finding = Finding(
        "growth",
        "Growth: forwarded and generated tokens a second, and cache bytes in use",
        ("model", "grows", "to", "seconds", "forwarded/s", "generated/s", "of ideal", "cache MB"),
    )
    for name, axes in found.items():
        for axis, row in axes.items():
            for one in row:
                seconds = one["seconds"]
                finding.rows.append(
                    (
                        name,
                        axis,
                        f"{one['number']:,}",
                        f"{seconds:.1f}",
                        f"{one['forwarded'] / seconds:,.0f}",
                        f"{one['generated'] / seconds:,.0f}",
                        f"{one['of_ideal']:.3f} x",
                        f"{one['cache_bytes'] / 1e6:,.0f}",
                    )
                )
    for axis in ("trajectories", "steps", "context"):
        speed = {n: [(one["number"], one["forwarded"] / one["seconds"]) for one in a[axis]] for n, a in found.items()}
        size = {n: [(one["number"], one["cache_bytes"] / 1e6) for one in a[axis]] for n, a in found.items()}
        finding.plots[f"-{axis}"] = lines(f"Forwarded tokens a second by {axis}", speed, axis, "tokens/s")
        finding.plots[f"-{axis}-bytes"] = lines(f"Cache in use by {axis}", size, axis, "MB")
    finding.data = found
    return finding
