"""The tasks under one spec, plain and augmented, through lm-eval, and the scores by ability."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lottery_plugins.harness.study import HarnessRun
from lottery_plugins.results.load import load_run
from lottery_plugins.results.statistics import Estimate, TangoDifference, wilson

from .specs import ABILITIES, AUGMENTED, KNOBS, ORIGINAL, acts_while_loading

__all__ = ["ARMS", "Settings", "difference", "name_of", "read", "runs_of", "score"]

ARMS = ("plain", "augmented")

Scores = Mapping[str, Mapping[str, float]]
"""Right or wrong, by task and document hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user asked for."""

    model: str
    limit: int
    threads: int
    out: Path
    dtype: str = "float32"


def name_of(spec: str) -> str:
    """A folder's name for a spec; another for each."""
    return spec.replace(":", "_").replace("/", "-").replace("%", "~")


def runs_of(spec: str, arm: str, settings: Settings) -> list[HarnessRun]:
    """lm-eval's runs of an arm: one for all tasks that are given the same."""
    groups: dict[str, list[str]] = {}
    for task in (task for names in ABILITIES.values() for task in names):
        groups.setdefault(str(AUGMENTED[task]) if arm == "augmented" else "", []).append(task)
    return [
        HarnessRun(
            model_args={
                "pretrained": settings.model,
                **({} if acts_while_loading(spec) else {"dtype": settings.dtype}),
                "device": "cpu",
                "engine": "packed",
                **({} if spec == ORIGINAL else {"compression": spec}),
                **(AUGMENTED[group[0]] if arm == "augmented" else {}),
            },
            tasks=group,
            output_path=str(folder(spec, arm, settings) / group[0]),
            limit=settings.limit,
            metadata=KNOBS,
        )
        for group in groups.values()
    ]


def folder(spec: str, arm: str, settings: Settings) -> Path:
    """Where the runs of an arm are kept."""
    return settings.out / "runs" / name_of(spec) / arm


def read(spec: str, arm: str, settings: Settings) -> Scores:
    """Scores of the tasks that are done; {} where none is."""
    path = folder(spec, arm, settings)
    if not any(path.rglob("results_*.json")):
        return {}
    found = {}
    for name, task in load_run(path, spec).tasks.items():
        rows = map(json.loads, task.samples_path.read_text(encoding="utf-8").splitlines())
        found[name] = {row["doc_hash"]: float(row["acc"]) for row in rows}
    return found


def score(scores: Scores, ability: str) -> Estimate | None:
    """Share of right answers over all documents of an ability, with Wilson's 95 % interval."""
    values = [value for task in ABILITIES[ability] for value in scores.get(task, {}).values()]
    return wilson(round(sum(values)), len(values)) if values else None


def difference(scores: Scores, first: Scores) -> Estimate | None:
    """Right answers over all abilities minus those of another arm, paired, with Tango's 95 % interval."""
    pairs = [
        (scores[t][d], first[t][d]) for t in scores.keys() & first.keys() for d in scores[t].keys() & first[t].keys()
    ]
    if not pairs:
        return None
    return TangoDifference(len(pairs), sum(a > b for a, b in pairs), sum(a < b for a, b in pairs)).interval(0.025)
