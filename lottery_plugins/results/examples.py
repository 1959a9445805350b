"""The answers of a finished run with what lm-eval scored them: what a verifier is trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.errors import ConfigError, DataError, suggest
from lottery_plugins.messages import Message, continued
from lottery_plugins.results.load import Run, TaskRun
from lottery_plugins.results.logged import logged_answer, logged_prompt
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.samples import document_rows, read_scores, sample_rows
from lottery_plugins.results.trajectories import read_trajectory, trajectories_of

__all__ = ["Example", "read_examples"]


@dataclass(frozen=True, slots=True)
class Example:
    """One answer.

    Attributes:
        task: The task.
        prompt: Its prompt.
        answer: The answer to it.
        is_chat: Whether the prompt is to be rendered by the chat template; else the prompt is text already.
        correct: Whether the answer got the highest score, 1.
        group: The document's cluster, or the document.
    """

    task: str
    prompt: tuple[Message, ...]
    answer: str
    is_chat: bool
    correct: bool
    group: str

    @property
    def messages(self) -> tuple[Message, ...]:
        """The prompt with the answer after it."""
        return continued(self.prompt, self.answer.strip())


def read_examples(run: Run, tasks: Sequence[str], metric: str | None = None) -> list[Example]:
    """The first answer to each document of some tasks; () takes all that lm-eval scored on generated answers.

    Raises:
        ConfigError: A task is none of the run, or answers nothing by generation.
        DataError: A line can't be read, or scores are not better when higher.
        RunsNotComparableError: The samples were not logged.
    """
    for task in tasks:
        if task not in run.tasks:
            allowed = f"a task of {run.folder}: {', '.join(sorted(run.tasks))}"
            raise ConfigError("--task", task, allowed, suggest(task, run.tasks).strip())
        if not _generates(run.tasks[task]):
            raise ConfigError("--task", task, "a task whose answers are generated, not chosen by likelihood")
    chosen = tasks or [name for name, task in run.tasks.items() if _generates(task)]
    return [example for name in chosen for example in _of_task(run.tasks[name], metric)]


def _generates(task: TaskRun) -> bool:
    return str(task.config.get("output_type", "generate_until")) == "generate_until"


def _of_task(task: TaskRun, metric: str | None) -> list[Example]:
    scores = read_scores(task, CompareOptions(metric=metric))
    higher = dict(task.file.data.get("higher_is_better") or {}).get(task.task) or {}
    if higher.get(scores.metric) is False:
        hint = "Choose another metric with --metric."
        raise DataError(f"{task.task}, metric {scores.metric}", "is better when lower, so no score means right", hint)
    answers = _first_answers(task)
    examples = []
    for number, (_, document, row) in enumerate(document_rows(sample_rows(task.samples_path), scores.filter), 1):
        if document in scores.failed or (answers is not None and row["doc_id"] not in answers):
            continue  # no answer was given
        where = f"{task.samples_path}, row {number}"
        messages, is_chat = _prompt(row, where)
        answer = answers[row["doc_id"]] if answers is not None else _logged_answer(row, where)
        group = f"{task.task} {scores.clusters.get(document, document.hash)}"
        examples.append(Example(task.task, messages, answer, is_chat, scores.scores[document] >= 1, group))
    return examples


def _first_answers(task: TaskRun) -> Mapping[int, str] | None:
    """The answer of the first repeat by document number, from our trajectories; None for other people's runs."""
    if task.file.trajectories_path is None:
        return None
    entries = trajectories_of(task).items()
    first = {doc_id: entry for (doc_id, sample), entry in entries if sample == 0 and not entry.is_failed}
    return {doc_id: str(read_trajectory(entry)["answer"]) for doc_id, entry in first.items()}


def _logged_answer(row: Mapping[str, Any], where: str) -> str:
    answer = logged_answer(row)
    if not isinstance(answer, str):
        raise DataError(where, "has no generated answer in 'resps'", "Run lm-eval again with --log_samples.")
    return answer


def _prompt(row: Mapping[str, Any], where: str) -> tuple[tuple[Message, ...], bool]:
    prompt = logged_prompt(row)
    if prompt is None:
        raise DataError(where, "has no prompt in 'arguments'", "Run lm-eval again with --log_samples.")
    return prompt
