"""The contract of a task file, checked without a model and without a network.

from lottery_plugins.testing.contracts.task import check_task

def test_my_task_keeps_the_contract():
    check_task("my_task", include_path="task_yaml")

`lottery check-task my_task` runs the same rules and prints one line for each. The rules are in `task_rules`.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

__all__ = [
    "ABILITIES",
    "ALLOWS",
    "FOREIGN_METADATA",
    "Outcome",
    "Rule",
    "TaskCase",
    "Tested",
    "check_task",
    "no_network",
    "outcomes",
    "tasks_in",
]

ALLOWS = ("answer-in-question", "listing", "open-ended", "ignorance")
"""What `metadata.lottery.allows` may hold; each is an `is_...` of `TaskCase`."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCase:
    """What the suite needs to know about one task.

    Attributes:
        name: Name of the task.
        include_path: Folder of task files, or several; None looks among lm-eval's own.
        metadata: Knobs for the run, as in `--metadata`.
        num_docs: How many documents are scored and rendered.
        is_answer_in_question: The question holds what the answer is made of (copying, ordering).
        is_listing_allowed: The published scorer gives points to an output that lists candidates.
        is_open_ended: No one answer is right (summaries, instructions): all texts get scores in [0, 1], and an empty
            one gets 0.
        is_ignorance_allowed: "I do not know." may be the right answer.
    """

    name: str
    include_path: str | Path | Sequence[Path] | None = None
    metadata: Mapping[str, Any] | None = None
    num_docs: int = 24
    is_answer_in_question: bool = False
    is_listing_allowed: bool = False
    is_open_ended: bool = False
    is_ignorance_allowed: bool = False


@dataclass
class Tested:
    """A task while it is checked; what costs time is made when a rule first asks for it.

    Attributes:
        case: What is checked, and how.
    """

    case: TaskCase
    extra: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def manager(self) -> Any:
        """lm-eval's task manager over the folder alone."""
        from lm_eval.tasks import TaskManager  # heavy, and only this suite needs it here

        path = self.case.include_path
        found: Any = path if path is None or isinstance(path, str | Path) else list(path)
        metadata = {**self.extra, **(self.case.metadata or {})}
        return TaskManager(include_path=found, include_defaults=path is None, metadata=metadata or None)

    @cached_property
    def task(self) -> Any:
        """The task as lm-eval loads it."""
        return self.manager.load([self.case.name])["tasks"][self.case.name]

    @cached_property
    def docs(self) -> list[dict[str, Any]]:
        """The first documents."""
        return list(islice(self.task.eval_docs, self.case.num_docs))

    @cached_property
    def all_docs(self) -> list[dict[str, Any]]:
        """All documents of the test split, for what only many can show."""
        return list(self.task.eval_docs)

    @property
    def lottery(self) -> Mapping[str, Any]:
        """`metadata.lottery` of the task file."""
        found: Mapping[str, Any] = self.task.config.metadata["lottery"]
        return found

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics, the main one first."""
        return [metric["metric"] for metric in self.task.config.metric_list]

    def gold(self, doc: Mapping[str, Any]) -> str:
        """The right answer as the task writes it."""
        return str(self.task.doc_to_target(doc))

    def allows(self, what: str) -> bool:
        """Whether the file's `allows` or the case frees the task from a part of a rule, one of `ALLOWS`."""
        case = self.case
        of_case = (
            case.is_answer_in_question,
            case.is_listing_allowed,
            case.is_open_ended,
            case.is_ignorance_allowed,
        )
        return dict(zip(ALLOWS, of_case, strict=True))[what] or what in self.lottery.get("allows", ())


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the contract.

    Attributes:
        name: One word or two.
        claim: What holds when it passes.
        check: Raises an AssertionError that says what is wrong; returns a note where the rule does not apply.
        advice: What to do when it fails.
    """

    name: str
    claim: str
    check: Callable[[Tested], str | None]
    advice: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one rule.

    Attributes:
        rule: The rule.
        error: What the check raised; None when it passed or does not apply.
        note: Why it does not apply, or "".
    """

    rule: Rule
    error: Exception | None = None
    note: str = ""


def check_task(
    name: str,
    *,
    include_path: str | Path | None = None,
    metadata: Mapping[str, Any] | None = None,
    is_answer_in_question: bool = False,
    is_listing_allowed: bool = False,
    is_open_ended: bool = False,
    is_ignorance_allowed: bool = False,
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
        is_ignorance_allowed=is_ignorance_allowed,
    )
    for outcome in outcomes(case):
        if outcome.error is not None:
            raise outcome.error


def outcomes(case: TaskCase) -> Iterator[Outcome]:
    """What comes of each rule, one after the other, without a network; a task that can't be loaded ends it."""
    from lottery_plugins.testing.contracts.task_rules import RULES  # it uses the classes of this module

    tested = Tested(case)
    for rule in RULES:
        try:
            with no_network():
                note = rule.check(tested)
        except Exception as error:  # noqa: BLE001 - generators and scorers of strangers may raise anything
            yield Outcome(rule, error)
            if "docs" not in vars(tested):
                return
        else:
            yield Outcome(rule, None, note or "")


def tasks_in(folders: Sequence[Path]) -> dict[str, Path]:
    """The tasks that lm-eval finds in some folders, with their files."""
    manager = Tested(TaskCase(name="", include_path=folders)).manager
    return {name: Path(manager.task_index[name].yaml_path) for name in manager.all_subtasks}


@contextmanager
def no_network() -> Iterator[None]:
    """Make any attempt to connect or to resolve a host fail the check."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"a task must not use the network, yet a connection was tried: {args[-1]!r}")

    with mock.patch.object(socket.socket, "connect", refuse), mock.patch.object(socket, "getaddrinfo", refuse):
        yield
