"""The table as Markdown, from whatever is finished."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from lottery_plugins.results.statistics import Estimate

from .scored import ARMS, Settings, difference, name_of, read, score
from .specs import ABILITIES, ORIGINAL

__all__ = ["publish", "text_file"]

LIBRARIES = ("torch", "transformers", "lm-eval")
SIZES = ("stored", "w/o embeddings", "nominal", "cache (packed)", "NLL change", "speed", "s")


def text_file(spec: str, settings: Settings) -> Path:
    """Where the figures of a spec on the text are kept."""
    return settings.out / "text" / f"{name_of(spec)}.json"


def publish(specs: Sequence[str], left_out: Mapping[str, str], settings: Settings) -> str:
    """Write compression.md and give its text."""
    text = "\n".join(_lines(specs, left_out, settings)) + "\n"
    (settings.out / "compression.md").write_text(text, encoding="utf-8")
    return text


def _lines(specs: Sequence[str], left_out: Mapping[str, str], settings: Settings) -> list[str]:
    lines = ["### Bytes, quality on a fixed text, speed", "", f"| method | {' | '.join(SIZES)} |"]
    lines.append(f"|{'---|' * (len(SIZES) + 1)}")
    lines += [f"| {spec} | {' | '.join(_sizes(_text(spec, settings)))} |" for spec in specs if _text(spec, settings)]
    for arm in ARMS:
        lines += ["", *_scores(specs, arm, settings)]
    missing = [f"- {spec} is left out: {' '.join(why.split())}" for spec, why in left_out.items()]
    return [*lines, *(["", *missing] if missing else []), "", _about(settings)]


def _text(spec: str, settings: Settings) -> dict[str, Any]:
    path = text_file(spec, settings)
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _sizes(found: Mapping[str, Any]) -> list[str]:
    half = found["nll_change_half_interval"]
    nll = f"{found['nll_change']:+.3f}" + ("" if half is None else f" ± {half:.3f}")
    ratios = [f"{found[name]:.3f}" for name in ("stored", "stored_other", "nominal", "cache_packed")]
    speed = found["speed"]
    shown = f"{speed['median']:.2f} [{speed['least']:.2f}, {speed['most']:.2f}]" if speed else "-"
    return [*ratios, nll, shown, f"{found['seconds']:.1f}"]


def _scores(specs: Sequence[str], arm: str, settings: Settings) -> list[str]:
    scored = {spec: found for spec in specs if (found := read(spec, arm, settings))}
    if not scored:
        return []
    first = scored.get(ORIGINAL, {})
    lines = [f"### Scores by ability, {arm}", ""]
    lines += [
        f"| method | {' | '.join(ABILITIES)} | all, against {ORIGINAL} | n |",
        f"|{'---|' * (len(ABILITIES) + 3)}",
    ]
    for spec, found in scored.items():
        cells = [_percent(score(found, ability)) for ability in ABILITIES]
        against = "" if spec == ORIGINAL else _percent(difference(found, first), sign="+")
        lines.append(f"| {spec} | {' | '.join(cells)} | {against} | {sum(map(len, found.values()))} |")
    return lines


def _percent(estimate: Estimate | None, sign: str = "") -> str:
    """In per cent: "31 [22, 41]"."""
    if estimate is None:
        return "-"
    return f"{100 * estimate.value:{sign}.0f} [{100 * estimate.low:{sign}.0f}, {100 * estimate.high:{sign}.0f}]"


def _about(settings: Settings) -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    return (
        f"{Path(settings.model).name}, float32 for the text, {settings.dtype} for the tasks, "
        f"{settings.threads} thread(s), {settings.limit} documents a task; "
        f"{versions}. Stored, without embeddings and nominal: bytes of the weights over those of the original. Cache: "
        "bytes of a prompt's cache over those without the method, encoded positions as they are encoded. NLL change: "
        "natural logarithm, mean of a token, ± half of a 95 % interval over blocks of 64 tokens; with a cache method "
        "after a compressed context, else in one pass. Speed: of greedy generation with eight rows through "
        "transformers, median [least, most] of rounds beside the original. s: time of compressing. Scores in per cent "
        "with 95 % intervals (Wilson; Tango for paired differences). Other work may have run beside it: the load was "
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores at the end. Command: python {' '.join(sys.argv)}"
    )
