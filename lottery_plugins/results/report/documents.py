"""The documents of some runs side by side, with every arm's answer and steps, read one task after the other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.results.load import Run, TaskRun
from lottery_plugins.results.logged import logged_answer, logged_prompt
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.samples import Document, document_rows, read_scores, sample_rows
from lottery_plugins.results.trajectories import Entry, read_trajectory, trajectories_of

__all__ = ["ArmAnswer", "Sample", "read_samples"]

_HIDDEN = frozenset({"context", "documents", "knowledge_base", "id"})
"""Fields of a document that are no property to group by."""


@dataclass(frozen=True, slots=True)
class ArmAnswer:
    """What one arm made of a document.

    Attributes:
        score: As logged; a failed one is still shown with what was logged.
        answer: The text that was scored.
        failed: Whether it failed and counts as wrong.
        stop_reason: Why the reasoner stopped; "" for other people's runs.
        steps: As in trajectories.jsonl; empty for other people's runs.
        seconds: Wall time; None: not measured.
    """

    score: float
    answer: str
    failed: bool = False
    stop_reason: str = ""
    steps: Sequence[Mapping[str, Any]] = ()
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One document in all arms that answered it.

    Attributes:
        task: The task.
        number: Its place in the first arm's order.
        question: The bare question, or the end of the prompt where the task does not say.
        target: The gold answer as logged.
        prompt: The task's prompt, as the first arm's run logged it.
        fields: Properties of the document by name: the axes of its task's grid, its popularity, its cluster.
        answers: By arm.
    """

    task: str
    number: int
    question: str
    target: str
    prompt: str
    fields: Mapping[str, float | str]
    answers: Mapping[str, ArmAnswer]


@dataclass(slots=True)
class _Arm:
    """One arm on one task: its rows by document, and where its trajectories lie."""

    run: TaskRun
    scores: Mapping[Document, float]
    failed: frozenset[Document]
    rows: Mapping[Document, Mapping[str, Any]]
    entries: Mapping[tuple[Any, int], Entry]


def read_samples(runs: Sequence[Run], task: str, options: CompareOptions) -> Iterator[Sample]:
    """The documents of one task, in the order of the first run that has it.

    Raises:
        LotteryError: Samples were not logged, or a line can't be read.
    """
    arms = {run.name: _open(run.tasks[task], options) for run in runs if task in run.tasks}
    if not arms:
        return
    first = next(iter(arms.values()))
    for number, (document, row) in enumerate(first.rows.items()):
        doc = row.get("doc")
        answers = {name: _answer(arm, document) for name, arm in arms.items() if document in arm.rows}
        yield Sample(
            task=task,
            number=number,
            question=_question(first.run, doc, row),
            target=str(row.get("target", "")),
            prompt=_prompt(row),
            fields=_fields(first.run, doc),
            answers=answers,
        )


def _open(run: TaskRun, options: CompareOptions) -> _Arm:
    scores = read_scores(run, options)
    rows = {document: row for _, document, row in document_rows(sample_rows(run.samples_path), scores.filter)}
    return _Arm(run, scores.scores, scores.failed, rows, trajectories_of(run))


def _answer(arm: _Arm, document: Document) -> ArmAnswer:
    row = arm.rows[document]
    entry = arm.entries.get((row.get("doc_id"), 0))  # the first repeat's
    trajectory = read_trajectory(entry) if entry else None
    return ArmAnswer(
        score=arm.scores[document],
        answer=str(trajectory["answer"]) if trajectory else _as_text(logged_answer(row)),
        failed=document in arm.failed,
        stop_reason=str(trajectory["stop_reason"]) if trajectory else "",
        steps=trajectory["steps"] if trajectory else (),
        seconds=trajectory["seconds"] if trajectory else None,
    )


def _as_text(answer: Any) -> str:
    """An answer for a reader: what was generated, or the score of a choice."""
    if answer is None:
        return ""
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def _prompt(row: Mapping[str, Any]) -> str:
    """The prompt as text; turns of a chat one below the other."""
    messages, is_chat = logged_prompt(row) or ((), False)
    return "\n\n".join(f"{turn.role}: {turn.content}" if is_chat else turn.content for turn in messages)


def _question(run: TaskRun, doc: Any, row: Mapping[str, Any]) -> str:
    name = run.lottery.get("question")
    if isinstance(doc, Mapping) and isinstance(name, str) and name in doc:
        return str(doc[name])
    return _prompt(row)[-300:]


def _fields(run: TaskRun, doc: Any) -> dict[str, float | str]:
    """Numbers and short words of a document that its answer may depend on."""
    if not isinstance(doc, Mapping):
        return {}
    lottery = run.lottery
    named = [*(lottery.get("axes") or ()), lottery.get("popularity"), lottery.get("cluster"), "template"]
    wanted = dict.fromkeys(str(name) for name in named if name) or ()
    usual = [name for name in ("length", "depth", "hops", "gap") if name in doc]
    found = {name: doc[name] for name in (*wanted, *usual) if name in doc and name not in _HIDDEN}
    return {
        name: float(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)[:80]
        for name, value in found.items()
        if isinstance(value, str | int | float)
    }
