"""Which documents the search sees, and which only the final verdict.

The two parts are disjoint, and so are their clusters: a held-out question on a passage that the search has seen would
be half known. The split is a shuffle by the study's seed, so that neither part follows the order of the task.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lottery_plugins.errors import ConfigError, DataError, LotteryError
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.search.measure import Job, TaskDocuments
from lottery_plugins.search.plan import SearchPlan, TaskPlan

__all__ = ["HeldOutError", "Split", "kept_split", "split_documents"]


class HeldOutError(LotteryError):
    """Held-out documents were about to be used for the search, or twice."""


@dataclass(frozen=True, slots=True)
class Split:
    """The documents of a search.

    Attributes:
        search: By task, in the order in which every ticket meets them.
        held_out: By task, ascending; evaluated once, for the original and one ticket.
        margins: Non-inferiority margin by task.
    """

    search: Mapping[str, tuple[int, ...]]
    held_out: Mapping[str, tuple[int, ...]]
    margins: Mapping[str, float]

    def check(self, job: Job) -> Job:
        """The job itself, if it touches no held-out document. Every job of the search passes through here.

        Raises:
            HeldOutError: It does.
        """
        for task, documents in job.documents.items():
            if kept := set(documents) & set(self.held_out[task]):
                raise HeldOutError(f"{job.name}: document {min(kept)} of {task} is held out until the final verdict.")
        return job

    def to_json(self) -> dict[str, Any]:
        """Plain data for split.json."""
        return {"search": dict(self.search), "held_out": dict(self.held_out), "margins": dict(self.margins)}


def split_documents(plan: SearchPlan, found: Mapping[str, TaskDocuments]) -> Split:
    """Split every task.

    Raises:
        ConfigError: A task has too few documents.
    """
    search, held_out, margins, usual = {}, {}, {}, CompareOptions().margin
    for task in plan.tasks:
        search[task.name], held_out[task.name] = _split(task, found[task.name].labels, plan.seed)
        own = found[task.name].margin
        margins[task.name] = task.margin if task.margin is not None else usual if own is None else own
    return Split(search, held_out, margins)


def _split(task: TaskPlan, labels: Sequence[str], seed: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    groups: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        groups.setdefault(label, []).append(index)
    order = list(groups.values())
    random.Random(f"{seed} {task.name}").shuffle(order)
    search: list[int] = []
    taken = 0
    while taken < len(order) and len(search) < task.documents:
        search += order[taken]
        taken += 1
    held_out = [index for group in order[taken:] for index in group]
    if len(search) < task.documents or len(held_out) < task.held_out:
        clusters = "" if len(order) == len(labels) else f" in {len(order)} clusters, which are not divided"
        raise ConfigError(
            f"tasks.{task.name}",
            f"documents: {task.documents}, held_out: {task.held_out}",
            f"no more together than the task's {len(labels)}{clusters}",
            "Lower one, or give the task more by its own knob under metadata, such as num_docs.",
        )
    return tuple(search[: task.documents]), tuple(sorted(held_out[: task.held_out]))


def kept_split(split: Split, path: Path) -> Split:
    """The split itself, kept in a file: a resumed search must find the same documents.

    Raises:
        DataError: An earlier search in this folder had another one.
    """
    text = json.dumps(split.to_json())
    if not path.exists():
        path.write_text(text + "\n", encoding="utf-8")
    elif json.loads(path.read_text(encoding="utf-8")) != json.loads(text):
        raise DataError(
            str(path), "says other documents than the tasks have now", "Their data changed: search in another --out."
        )
    return split
