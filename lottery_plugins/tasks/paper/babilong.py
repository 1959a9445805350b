"""BABILong: the stories of bAbI, facts about people, places and things, alone or hidden in long texts.

Source: Kuratov et al. 2024, arXiv:2406.10149; Weston et al. 2015, arXiv:1502.05698. As in BABILong's own evaluation,
the answer must be named and no other answer of that task may be, unless the question names it; "apple,football" asks
for both. Deviation: whole words, one prompt for all tasks, and no worked examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.errors import ConfigError
from lottery_plugins.tasks.knobs import knob, read_knobs
from lottery_plugins.tasks.paper.matching import is_named, normalize
from lottery_plugins.tasks.paper_rows import PaperKnobs, RowSource, one_split, read_rows, split_rows
from lottery_plugins.tasks.scoring import answer_span
from lottery_plugins.tasks.splits import Row

__all__ = ["build", "score"]

_LENGTHS = (0, 1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True, slots=True, kw_only=True)
class BabilongKnobs(PaperKnobs):
    """Knobs of the BABILong task.

    Attributes:
        babilong_length: Thousands of tokens of each text; 0: the facts alone.
        babilong_tasks: Which of bAbI's twenty tasks.
    """

    babilong_length: int = knob(0, 0, 128)
    babilong_tasks: tuple[int, ...] = knob((1, 2, 3, 4, 5), 1, 20)


def build(*, data_dir: str | None = None, **metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval, all chosen tasks mixed.

    Raises:
        ConfigError: There are no texts of that length.
        DataError: The rows can't be found or read.
    """
    knobs = read_knobs(BabilongKnobs, "babilong", metadata)
    if knobs.babilong_length not in _LENGTHS:
        raise ConfigError("metadata: babilong_length", knobs.babilong_length, f"one of {', '.join(map(str, _LENGTHS))}")
    sources = {f"qa{number}": _source(knobs.babilong_length, f"qa{number}") for number in knobs.babilong_tasks}
    rows = [row for task, source in sources.items() for row in _task_rows(task, source, data_dir)]
    return split_rows("babilong", rows, knobs, next(iter(sources.values())))


def _source(length: int, task: str) -> RowSource:
    return RowSource(
        task="lottery-paper-babilong",
        file=f"babilong_{length}k/{task}",
        columns=("input", "question", "target"),
        download=one_split("RMT-team/babilong-1k-samples", f"{length}k", task),
    )


def _task_rows(task: str, source: RowSource, data_dir: str | None) -> list[Row]:
    """The documents of one task, each with all answers that the task's questions have."""
    rows = read_rows(source, data_dir, lambda row: _document(task, row))
    labels = sorted({label for row in rows for label in row["answers"]})
    return [{"id": f"{task}-{number}", **row, "labels": labels} for number, row in enumerate(rows)]


def _document(task: str, row: Mapping[str, Any]) -> Row:
    answers = [word.strip() for word in row["target"].split(",")]
    if not all(map(normalize, answers)):
        raise ValueError("no answer in the column 'target'")
    return {
        "task": task,
        "context": row["input"].strip(),
        "question": row["question"].strip(),
        "answers": answers,
        "answer": ", ".join(answers),
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: all parts of the answer are named, and no other answer of the task but those that the question names."""
    said, asked = normalize(answer_span(results[0])), normalize(doc["question"])
    golds = set(map(normalize, doc["answers"]))
    others = {label for label in map(normalize, doc["labels"]) if not is_named(asked, label)} - golds
    is_right = all(is_named(said, gold) for gold in golds) and not any(is_named(said, other) for other in others)
    return {"acc": float(is_right)}
