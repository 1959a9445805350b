"""The contract of a task file, checked without a model and without a network.

from lottery_plugins.testing.contracts.task import check_task

def test_my_task_keeps_the_contract():
    check_task("my_task", include_path="task_yaml")
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

__all__ = ["ABILITIES", "FOREIGN_METADATA", "TaskCase", "check_task", "no_network"]

ABILITIES = ("retrieval", "resources", "planning", "operations", "long-context")

FOREIGN_METADATA: Mapping[str, Any] = {
    "pretrained": "some/model",
    "dtype": "float32",
    "seed": 7,
    "max_length": 64,
    "compression": "int8+wanda:sparsity=0.3",
    "reasoner": "direct",
    "tools": "calculator+python",
}
"""Model arguments, which lm-eval mixes into a task's metadata; they must not change a document."""

_FIELD_KEYS = ("question", "context", "knowledge_base", "cluster")
_KEYS = {"ability", "tools", "margin", "chance", "truncation", "popularity", *_FIELD_KEYS}
_JUNK = ("", "I do not know.", "\ud800\x00 \u0663,\u0664 ((((", "Answer:", "x" * 5000)

_LOGGED = {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"}
"""What lm-eval logs of a sample beside its metrics, in one mapping with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCase:
    """What the suite needs to know about one task.

    Attributes:
        name: Name of the task.
        include_path: Folder of task files; None looks among lm-eval's own.
        metadata: Knobs for the run, as in `--metadata`.
        num_docs: How many documents are scored and rendered.
        is_answer_in_question: The question holds what the answer is made of (copying, ordering).
        is_listing_allowed: The published scorer gives points to an output that lists candidates.
        is_open_ended: No one answer is right (summaries, instructions): all texts get scores in [0, 1], and an empty
            one gets 0.
    """

    name: str
    include_path: str | Path | None = None
    metadata: Mapping[str, Any] | None = None
    num_docs: int = 24
    is_answer_in_question: bool = False
    is_listing_allowed: bool = False
    is_open_ended: bool = False


def check_task(
    name: str,
    *,
    include_path: str | Path | None = None,
    metadata: Mapping[str, Any] | None = None,
    is_answer_in_question: bool = False,
    is_listing_allowed: bool = False,
    is_open_ended: bool = False,
) -> None:
    """Run the whole suite on one task; see `TaskCase` for the arguments.

    Raises:
        AssertionError: The task breaks the contract; the text says which rule.
    """
    case = TaskCase(
        name=name,
        include_path=include_path,
        metadata=metadata,
        is_answer_in_question=is_answer_in_question,
        is_listing_allowed=is_listing_allowed,
        is_open_ended=is_open_ended,
    )
    with no_network():
        check_names(case)
        task = _load(case, {})
        docs = _docs(task, case)
        check_settings(task)
        check_metadata(task, docs)
        check_documents(task, docs, case)
        check_determinism(task, case)
        check_rendering(task, docs)
        (check_open_scores if is_open_ended else check_scores)(task, docs, case)


@contextmanager
def no_network() -> Iterator[None]:
    """Make any attempt to connect or to resolve a host fail the check."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"a task must not use the network, yet a connection was tried: {args[-1]!r}")

    with mock.patch.object(socket.socket, "connect", refuse), mock.patch.object(socket, "getaddrinfo", refuse):
        yield


def check_names(case: TaskCase) -> None:
    """Groups, tags and tasks that download have no name that the glob `lottery_*` finds."""
    manager = _manager(case, {})
    several = [*manager.all_groups, *manager.all_tags]
    caught = [name for name in several if fnmatch(name, "lottery_*")]
    assert not caught, f"groups and tags must not match lottery_*, or their tasks are met twice: {caught}"
    assert case.name in manager.all_subtasks, f"{case.name} is not among the tasks of {case.include_path}"


def check_settings(task: Any) -> None:
    """Everything that could move a score is stated in the file."""
    config, generation = task.config, task.config.generation_kwargs
    assert config.output_type == "generate_until", f"output_type is {config.output_type!r}"
    assert generation.get("until"), "generation_kwargs.until must be stated and not empty"
    assert generation.get("do_sample") is False, "generation_kwargs.do_sample must be stated as false"
    assert isinstance(generation.get("max_gen_toks"), int), "generation_kwargs.max_gen_toks must be stated"
    assert config.num_fewshot != 0, "num_fewshot: 0 makes lm-eval ignore --num_fewshot; leave it out"
    assert callable(config.process_results), "process_results must be a !function"
    for metric in config.metric_list:
        assert {"metric", "aggregation", "higher_is_better"} <= set(metric), f"metric_list is incomplete: {metric}"
        assert metric["metric"] not in _LOGGED, f"lm-eval can't log a metric that is called {metric['metric']!r}"


def check_metadata(task: Any, docs: Sequence[Mapping[str, Any]]) -> None:
    """`metadata.version` and `metadata.lottery` are complete, and name fields that all documents have."""
    metadata = task.config.metadata
    assert "version" in metadata, "metadata.version is missing"
    lottery = metadata.get("lottery")
    assert isinstance(lottery, dict), "metadata.lottery is missing"
    assert set(lottery) <= _KEYS, f"metadata.lottery has unknown keys: {sorted(set(lottery) - _KEYS)}"
    assert lottery.get("ability") in ABILITIES, f"metadata.lottery.ability is {lottery.get('ability')!r}"
    assert 0 < lottery.get("margin", 0) < 1, "metadata.lottery.margin must be in (0, 1)"
    assert lottery.get("truncation", "none") in ("left", "none"), "metadata.lottery.truncation must be left or none"
    assert 0 <= lottery.get("chance", -1) < 1, "metadata.lottery.chance must be in [0, 1)"
    assert "question" in lottery, "metadata.lottery.question is missing"
    for key in _FIELD_KEYS:
        field = lottery.get(key)
        assert field is None or all(doc.get(field) for doc in docs), f"metadata.lottery.{key}: no field {field!r}"
    popularity = lottery.get("popularity")
    assert popularity is None or all(isinstance(doc.get(popularity), int | float) for doc in docs), (
        f"metadata.lottery.popularity: {popularity!r} is no field with a number"
    )


def check_documents(task: Any, docs: Sequence[Mapping[str, Any]], case: TaskCase) -> None:
    """Documents and prompts are all different, and the question does not tell the answer."""
    assert len({json.dumps(doc, sort_keys=True) for doc in docs}) == len(docs), "two documents are the same"
    assert len({task.doc_to_text(doc) for doc in docs}) == len(docs), "two prompts are the same"
    lottery = task.config.metadata["lottery"]
    for doc in docs:
        for item in doc.get(lottery.get("knowledge_base")) or ():
            assert {"id", "title", "text"} <= set(item), f"a knowledge base document lacks id, title or text: {item}"
        hidden = doc[lottery["question"]] if not case.is_answer_in_question else ""
        gold = str(task.doc_to_target(doc))
        assert not gold or not re.search(rf"(?<!\w){re.escape(gold)}(?!\w)", hidden), (
            f"the question holds its answer: {hidden!r}"
        )


def check_determinism(task: Any, case: TaskCase) -> None:
    """A second load, beside arguments of any model, gives the same documents."""
    again = _load(case, FOREIGN_METADATA)
    assert _docs(task, case) == _docs(again, case), (
        "documents differ between two loads, or follow the model's arguments"
    )


def check_rendering(task: Any, docs: Sequence[Mapping[str, Any]]) -> None:
    """Prompts hold the context word for word, end with the call for an answer, with chat and few-shot too."""
    lottery = task.config.metadata["lottery"]
    assert task.config.fewshot_split not in (None, task.config.test_split), "fewshot_split must be a split of its own"
    task.set_fewshot_seed(1234)
    for doc in docs[:4]:
        prompt = task.doc_to_text(doc)
        assert doc[lottery["question"]] in prompt, "the prompt does not hold the question word for word"
        assert doc.get(lottery.get("context"), "") in prompt, "the prompt does not hold the context word for word"
        assert prompt.rstrip() == prompt, "the prompt ends with a blank, which splits tokens badly"
        assert prompt.splitlines()[-1].startswith("Answer"), "the last line of the prompt must ask for the answer"
        for shots in (0, 2):
            plain = task.fewshot_context(doc, num_fewshot=shots)
            assert plain.endswith(prompt), "the rendered prompt does not end with the question"
            assert plain.count("Answer:") >= shots + 1, "few-shot examples are missing"
            chat = task.fewshot_context(doc, shots, apply_chat_template=True, chat_template=_chat)
            assert prompt in chat, "the chat does not hold the prompt"


def check_scores(task: Any, docs: Sequence[Mapping[str, Any]], case: TaskCase) -> None:
    """Gold scores 1 in every wording, junk and a listing of everything score 0, and nothing raises."""
    golds = [str(task.doc_to_target(doc)) for doc in docs]
    metrics = [metric["metric"] for metric in task.config.metric_list]
    for doc, gold in zip(docs, golds, strict=True):
        scores = task.process_results(doc, [gold])
        assert set(metrics) == set(scores), f"process_results gives {sorted(scores)}, metric_list names {metrics}"
        main, *others = metrics
        assert scores[main] == 1, f"gold {gold!r} scores {scores}"
        # None: the metric does not apply to this document, and the task's own aggregation leaves it out
        assert all(scores[metric] in (1, None) for metric in others), f"gold {gold!r} scores {scores}"
        for said in (f" {gold}\n", f"{gold}.", f"**{gold}**", f"The answer is {gold}.", f"Let me see.\nAnswer: {gold}"):
            assert task.process_results(doc, [said])[main] == 1, f"gold {gold!r} written as {said!r} is not accepted"
        for said in _JUNK:
            assert not any(task.process_results(doc, [said]).values()), f"junk scores: {said[:60]!r}"
        wrong = [other for other in golds if other != gold]
        listing = ", ".join([*wrong, gold, *wrong])
        if wrong and not case.is_listing_allowed:
            assert task.process_results(doc, [listing])[main] == 0, (
                f"a listing of all answers scores: {listing[:200]!r}"
            )


def check_open_scores(task: Any, docs: Sequence[Mapping[str, Any]], case: TaskCase) -> None:
    """Any text gets scores in [0, 1], an empty one gets 0, gold (where there is one) gets 1, and nothing raises."""
    metrics = [metric["metric"] for metric in task.config.metric_list]
    for doc in docs:
        gold = str(task.doc_to_target(doc))
        for said in (gold, *_JUNK):
            scores = task.process_results(doc, [said])
            assert set(metrics) == set(scores), f"process_results gives {sorted(scores)}, metric_list names {metrics}"
            assert all(0 <= score <= 1 for score in scores.values()), f"{said[:60]!r} scores {scores}"
            assert said or not any(scores.values()), f"an empty answer scores {scores}"
            assert said != gold or not gold or scores[metrics[0]] == 1, f"gold {gold!r} scores {scores}"


def _manager(case: TaskCase, extra: Mapping[str, Any]) -> Any:
    from lm_eval.tasks import TaskManager  # heavy, and only this suite needs it here

    path = None if case.include_path is None else str(case.include_path)
    return TaskManager(
        include_path=path, include_defaults=path is None, metadata={**extra, **(case.metadata or {})} or None
    )


def _load(case: TaskCase, extra: Mapping[str, Any]) -> Any:
    return _manager(case, extra).load([case.name])["tasks"][case.name]


def _docs(task: Any, case: TaskCase) -> list[dict[str, Any]]:
    return list(islice(task.eval_docs, case.num_docs))


def _chat(messages: Sequence[Mapping[str, str]], add_generation_prompt: bool = True) -> str:
    turns = "".join(f"<{m['role']}>{m['content']}</{m['role']}>\n" for m in messages)
    return turns + ("<assistant>" if add_generation_prompt else "")
