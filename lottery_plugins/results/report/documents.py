"""The documents of some runs side by side, with every arm's answer and steps, read one task after the other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lottery_plugins.errors import DataError
from lottery_plugins.limits import StopReason
from lottery_plugins.results.load import Run, TaskRun
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.samples import Document, read_scores, sample_rows

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
    rows: dict[Document, Mapping[str, Any]] = field(default_factory=dict)
    places: Mapping[tuple[int, int], tuple[int, int]] = field(default_factory=dict)


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
    arm = _Arm(run, scores.scores, scores.failed, places=_places(run))
    seen: dict[str, int] = {}
    for _, row in sample_rows(run.samples_path):
        if str(row.get("filter", "none")) == scores.filter:
            document = Document(row["doc_hash"], seen.get(row["doc_hash"], 0))
            seen[document.hash] = document.occurrence + 1
            arm.rows[document] = row
    return arm


def _places(run: TaskRun) -> dict[tuple[int, int], tuple[int, int]]:
    """Offset and length of each trajectory of the task in its file, by (doc_id, sample)."""
    path = run.file.trajectories_path
    found: dict[tuple[int, int], tuple[int, int]] = {}
    if path is None:
        return found
    at = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            head = _head(line, path, number)
            if head["task"] == run.task:
                found[head["doc_id"], head["sample"]] = (at, len(line))
            at += len(line)
    return found


def _head(line: bytes, path: Path, number: int) -> Mapping[str, Any]:
    try:
        data = json.loads(line)
        return {name: data[name] for name in ("task", "doc_id", "sample")}
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}, line {number}", f"is no trajectory ({error!r})", "Run it again.") from error


def _answer(arm: _Arm, document: Document) -> ArmAnswer:
    row = arm.rows[document]
    trajectory = _trajectory(arm, row.get("doc_id"))
    return ArmAnswer(
        score=arm.scores[document],
        answer=str(trajectory["answer"]) if trajectory else _logged_answer(row),
        failed=document in arm.failed,
        stop_reason=str(trajectory["stop_reason"]) if trajectory else "",
        steps=trajectory["steps"] if trajectory else (),
        seconds=trajectory["seconds"] if trajectory else None,
    )


def _trajectory(arm: _Arm, doc_id: Any) -> Mapping[str, Any] | None:
    """The first repeat's trajectory; None where there is none."""
    place, path = arm.places.get((doc_id, 0)), arm.run.file.trajectories_path
    if place is None or path is None:
        return None
    with path.open("rb") as file:
        file.seek(place[0])
        data: Mapping[str, Any] = json.loads(file.read(place[1]))
    is_whole = {"answer", "stop_reason", "steps", "seconds"} <= data.keys()
    return data if is_whole and data["stop_reason"] in {reason.value for reason in StopReason} else None


def _logged_answer(row: Mapping[str, Any]) -> str:
    try:
        answer = row["resps"][0][0]
    except (KeyError, IndexError, TypeError):
        return ""
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def _prompt(row: Mapping[str, Any]) -> str:
    """The prompt as text; turns of a chat one below the other."""
    try:
        text = str(row["arguments"]["gen_args_0"]["arg_0"])
    except (KeyError, TypeError):
        return ""
    if text.startswith('[{"role":'):
        try:
            return "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in json.loads(text))
        except (ValueError, KeyError, TypeError):
            pass  # a prompt that only begins like a chat
    return text


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
