"""What a run's files say of one arm on one task: scores with intervals, and what it cost a sample."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lottery_plugins.ledger import Counters
from lottery_plugins.limits import StopReason
from lottery_plugins.results.load import TaskRun, load_run
from lottery_plugins.results.means import mean_score
from lottery_plugins.results.statistics import Estimate, TangoDifference

__all__ = ["COLUMNS", "Cell", "read_cell"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One arm on one task.

    Attributes:
        arm: Its name.
        task: Its name.
        scores: By metric, then by document hash; without the documents that a metric does not apply to.
        answered: Hashes of the documents that ended with an answer.
        gold_read: Share of the documents whose gold paragraph was among those retrieved; None without retrieval.
        counters: From the ledger.
    """

    arm: str
    task: str
    scores: Mapping[str, Mapping[str, float]]
    answered: frozenset[str]
    gold_read: float | None
    counters: Counters

    @property
    def metric(self) -> str:
        """The task's main score: its accuracy, or the first one where it has none."""
        return "acc" if "acc" in self.scores else next(iter(self.scores))

    def mean(self, metric: str, only: frozenset[str] | None = None) -> Estimate | None:
        """The mean of a metric with its 95 % interval; None where no document has it."""
        values = [v for document, v in self.scores.get(metric, {}).items() if only is None or document in only]
        return mean_score(values) if values else None

    def difference(self, first: Cell) -> Estimate | None:
        """Accuracy minus that of the first arm, paired by document, with Tango's 95 % interval; None: it has none."""
        if self.metric != "acc":
            return None
        mine, theirs = self.scores["acc"], first.scores["acc"]
        both = mine.keys() & theirs.keys()
        gained = sum(mine[d] > theirs[d] for d in both)
        lost = sum(mine[d] < theirs[d] for d in both)
        return TangoDifference(len(both), gained, lost).interval(0.025)

    @property
    def num_samples(self) -> int:
        """Documents."""
        return len(self.scores[self.metric])

    def per_sample(self, name: str) -> float | None:
        """A count of the ledger, a sample."""
        total = getattr(self.counters, name)
        return None if total is None else total / self.counters.problems


def read_cell(folder: Path, arm: str, task: str) -> Cell:
    """Read one task of one run.

    Raises:
        DataError: A file is missing or can't be read.
    """
    run = load_run(folder, arm).tasks[task]
    if run.file.ledger is None:
        raise RuntimeError(f"{run.file.path} has no ledger beside it")
    rows = [json.loads(line) for line in run.samples_path.read_text(encoding="utf-8").splitlines()]
    steps = _trajectories(run)
    answered = [row for row in rows if steps[row["doc_id"]]["stop_reason"] == StopReason.ANSWERED.value]
    scores = {
        metric: {row["doc_hash"]: float(row[metric]) for row in rows if row[metric] is not None}
        for metric in rows[0]["metrics"]
    }
    hashes = frozenset(row["doc_hash"] for row in answered)
    return Cell(arm, task, scores, hashes, _gold_read(rows, steps), run.file.ledger.tasks[task])


def _trajectories(run: TaskRun) -> dict[int, Any]:
    path = run.file.trajectories_path
    if path is None:
        raise RuntimeError(f"{run.file.path} has no trajectories beside it")
    found = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {row["doc_id"]: row for row in found if row["task"] == run.task}


def _gold_read(rows: Sequence[Mapping[str, Any]], trajectories: Mapping[int, Any]) -> float | None:
    """Whether the one gold paragraph was among the retrieved ones, as a share of all documents."""
    read = {
        i: {str(name) for step in t["steps"] if step["kind"] == "retrieve" for name, _ in step["documents"]}
        for i, t in trajectories.items()
    }
    if not any(read.values()) or "gold_id" not in rows[0]["doc"]:
        return None
    return sum(row["doc"]["gold_id"] in read[row["doc_id"]] for row in rows) / len(rows)


def percent(estimate: Estimate | None, *, sign: bool = False) -> str:
    """An estimate in per cent: "31 [22, 41]"."""
    if estimate is None:
        return "-"
    plus = "+" if sign else ""
    return f"{100 * estimate.value:{plus}.0f} [{100 * estimate.low:{plus}.0f}, {100 * estimate.high:{plus}.0f}]"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f}"


def _number(name: str, digits: int = 0) -> Callable[[Cell, Cell], str]:
    def shown(cell: Cell, first: Cell) -> str:
        value = cell.per_sample(name)
        return "not measured" if value is None else f"{value:.{digits}f}"

    return shown


def _searched(cell: Cell, first: Cell) -> str:
    return _share(cell.per_sample("searched") if cell.counters.retrievals else 0.0)


COLUMNS: Mapping[str, tuple[str, Callable[[Cell, Cell], str]]] = {
    "score": ("main score % [95 %]", lambda cell, first: f"{percent(cell.mean(cell.metric))} {cell.metric}"),
    "acc": ("accuracy % [95 %]", lambda cell, first: percent(cell.mean("acc"))),
    "difference": (
        "minus first arm",
        lambda cell, first: "" if cell is first else percent(cell.difference(first), sign=True),
    ),
    "f1": ("F1 % [95 %]", lambda cell, first: percent(cell.mean("f1"))),
    "tool": ("right function %", lambda cell, first: percent(cell.mean("tool"))),
    "call": ("right call %", lambda cell, first: percent(cell.mean("call"))),
    "abstention": ("right abstention %", lambda cell, first: percent(cell.mean("abstention"))),
    "answered": ("answered %", lambda cell, first: _share(len(cell.answered) / cell.num_samples)),
    "acc of answered": ("accuracy of answered %", lambda cell, first: percent(cell.mean("acc", cell.answered))),
    "retrieval rate": ("searched %", _searched),
    "gold read": ("gold paragraph found %", lambda cell, first: _share(cell.gold_read)),
    "retrieved tokens": ("retrieved tokens", _number("retrieved_tokens")),
    "calls": ("LM calls", _number("lm_calls", 1)),
    "new tokens": ("generated tokens", _number("generated_tokens")),
    "computed tokens": ("tokens through the model", _number("forwarded_tokens")),
    "seconds": ("seconds", _number("seconds", 2)),
}
"""Heading of each column, and its text for a cell and the table's first arm; counts are means of a sample."""
