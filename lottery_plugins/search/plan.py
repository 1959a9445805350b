"""The study file of a search, read and checked: every mistake is one sentence before anything is run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lottery_plugins.config import OUR_ARGUMENTS
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.search.plan_values import (
    check_keys,
    choice_of,
    level,
    mapping,
    optional_margin,
    whole,
)
from lottery_plugins.search.space import Choice, Dimension, Value, all_points, parse_dimension
from lottery_plugins.search.ticket import ORIGINAL, Ticket

__all__ = ["AUGMENTATION", "Budget", "SearchPlan", "TaskPlan", "plan_of", "read_plan"]

AUGMENTATION = "augmentation"
"""The dimension whose choices set several model arguments together, for all tasks or for one."""

OBJECTIVES = ("score", "bytes", "tokens")
COSTS = ("bytes", "tokens", "seconds")
SAMPLERS = ("additive", "tpe", "nsga2", "random")
_KEYS = (
    "original", "ticket", "tasks", "space", "objectives", "cheapest", "budget", "sampler", "seed", "documents",
    "held_out", "margin", "alpha", "accept_level", "assurance", "stop_level", "first_rung", "stop_dearer", "batch_size",
    "apply_chat_template", "num_fewshot", "metadata", "include_path",
)  # fmt: skip
_TASK_KEYS = ("margin", "documents", "held_out", "ticket")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPlan:
    """One task of a search.

    Attributes:
        name: lm-eval's name.
        documents: Documents of the search part.
        held_out: Documents of the held-out part.
        margin: Non-inferiority margin; None: the task's own, else 0.05.
        ticket: Model arguments that every ticket has on this task.
    """

    name: str
    documents: int
    held_out: int
    margin: float | None = None
    ticket: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What the tickets of a search may cost together; None: no limit. The original's own cost is not in it.

    Attributes:
        trials: Tickets that are run.
        samples: Documents answered.
        tokens: Tokens sent through the model.
    """

    trials: int | None = None
    samples: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """A study file.

    Attributes:
        original: Model arguments of the model to be matched.
        ticket: Model arguments that all tickets share; what is in the space is added.
        tasks: What both are measured on.
        dimensions: What tickets differ in.
        augmentations: By name, sets of model arguments chosen together; a task's name holds those of that task.
        objectives: What the sampler looks at, some of `OBJECTIVES`.
        cheapest: The cost that decides among non-inferior tickets, one of `COSTS`.
        budget: When the search ends.
        sampler: One of `SAMPLERS`.
        seed: Of the sampler and of the split of the documents.
        alpha: One-sided level of the held-out verdict.
        accept_level: One-sided level at which a ticket counts as non-inferior on the search part, in (0, 0.5].
        assurance: Least chance of the held-out verdict, as predicted from the search part, that an accepted ticket has.
        stop_level: Probability, at most, that a truly non-inferior ticket is stopped early.
        first_rung: Documents per task after which the first look is taken; then twice as many, and so on.
        stop_dearer: Whether a ticket is stopped that can't become cheaper than the best one found.
        run: Settings of lm-eval that all runs share: batch_size, apply_chat_template, num_fewshot, metadata,
            include_path.
    """

    original: Mapping[str, Any]
    ticket: Mapping[str, Any]
    tasks: tuple[TaskPlan, ...]
    dimensions: tuple[Dimension, ...]
    augmentations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    objectives: tuple[str, ...] = OBJECTIVES
    cheapest: str = "bytes"
    budget: Budget = field(default_factory=Budget)
    sampler: str = "tpe"
    seed: int = 0
    alpha: float = 0.05
    accept_level: float = 0.05
    assurance: float = 0.5
    stop_level: float = 0.05
    first_rung: int = 16
    stop_dearer: bool = True
    run: Mapping[str, Any] = field(default_factory=dict)

    @property
    def task_names(self) -> list[str]:
        """The tasks in their order."""
        return [task.name for task in self.tasks]

    def original_ticket(self) -> Ticket:
        """The original as something to be run."""
        return Ticket(ORIGINAL, {task.name: self.original for task in self.tasks})

    def points(self) -> Iterator[dict[str, Value]]:
        """Every point of the space."""
        return all_points(self.dimensions)

    @property
    def num_points(self) -> int:
        """How many there are."""
        return math.prod(sum(1 for _ in dimension.points()) for dimension in self.dimensions)

    def ticket_at(self, point: Mapping[str, Value]) -> Ticket:
        """The ticket of a point."""
        chosen: dict[str, Any] = {}
        for dimension in self.dimensions:
            if dimension.name != AUGMENTATION:
                chosen[dimension.name] = dimension.value(point)
        together = self.augmentations.get(str(point.get(AUGMENTATION, "")), {})
        for_all = {key: value for key, value in together.items() if key not in self.task_names}
        model_args = {}
        for task in self.tasks:
            whole_set = {**self.ticket, **chosen, **for_all, **together.get(task.name, {}), **task.ticket}
            model_args[task.name] = {key: value for key, value in whole_set.items() if value not in ("", None, "none")}
        words = [_words(dimension, point) for dimension in self.dimensions]
        return Ticket(", ".join(words), model_args, dict(point))


def _words(dimension: Dimension, point: Mapping[str, Value]) -> str:
    value = dimension.value(point) if dimension.name != AUGMENTATION else point[AUGMENTATION]
    return f"{dimension.name}={'none' if value in ('', None) else value}"


def read_plan(path: Path) -> SearchPlan:
    """Read a study file.

    Raises:
        LotteryError: It is not there, no YAML, or says something that is not allowed.
    """
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(str(path), f"can't be read ({error.strerror})", "Name the YAML file of a study.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = str(error).replace("\n", " ")
        raise DataError(str(path), f"is no YAML ({first})", "Correct it; docs/search.md has one that works.") from error
    return plan_of(data, path.name)


def plan_of(data: object, where: str = "study") -> SearchPlan:
    """Check the content of a study file.

    Raises:
        ConfigError: With the place in the file.
    """
    top = mapping(data, where)
    check_keys(top, _KEYS, where)
    original = mapping(top.get("original"), f"{where}: original")
    if not original:
        raise ConfigError(f"{where}: original", original, "model arguments", "Say original: {pretrained: NAME}.")
    tasks = _tasks(top, where)
    dimensions, augmentations = _space(top.get("space"), [task.name for task in tasks], f"{where}: space")
    budget = _budget(top.get("budget"), f"{where}: budget")
    return SearchPlan(
        original=original,
        ticket=mapping(top["ticket"], f"{where}: ticket") if top.get("ticket") is not None else original,
        tasks=tasks,
        dimensions=dimensions,
        augmentations=augmentations,
        objectives=_objectives(top.get("objectives"), f"{where}: objectives"),
        cheapest=choice_of(top, "cheapest", COSTS, where),
        budget=budget,
        sampler=choice_of(top, "sampler", SAMPLERS, where),
        seed=whole(top, "seed", 0, where, least=0),
        alpha=level(top, "alpha", 0.05, where),
        accept_level=level(top, "accept_level", 0.05, where, most=0.5),
        assurance=level(top, "assurance", 0.5, where, least=0.0, most=0.99),
        stop_level=level(top, "stop_level", 0.05, where),
        first_rung=whole(top, "first_rung", 16, where),
        stop_dearer=choice_of(top, "stop_dearer", (True, False), where),
        run=_run_settings(top, where),
    )


def _tasks(top: Mapping[str, Any], where: str) -> tuple[TaskPlan, ...]:
    written = top.get("tasks")
    if isinstance(written, list) and all(isinstance(name, str) for name in written):
        written = dict.fromkeys(written)
    if not isinstance(written, Mapping) or not written:
        raise ConfigError(f"{where}: tasks", written, "a list of task names, or a mapping from name to settings")
    found = []
    for name, own in written.items():
        place = f"{where}: tasks.{name}"
        settings = mapping(own, place) if own is not None else {}
        check_keys(settings, _TASK_KEYS, place)
        both = {**{key: top.get(key) for key in ("margin", "documents", "held_out")}, **settings}
        extra = mapping(settings["ticket"], f"{place}.ticket") if settings.get("ticket") is not None else {}
        found.append(
            TaskPlan(
                name=str(name),
                documents=whole(both, "documents", 64, place),
                held_out=whole(both, "held_out", 128, place),
                margin=optional_margin(both, place),
                ticket=extra,
            )
        )
    return tuple(found)


def _space(written: object, tasks: list[str], where: str) -> tuple[tuple[Dimension, ...], dict[str, Mapping[str, Any]]]:
    space = mapping(written, where)
    if not space:
        raise ConfigError(where, written, "a mapping from model arguments to choices")
    augmentations = _augmentations(space.get(AUGMENTATION), tasks, set(space), f"{where}.{AUGMENTATION}")
    dimensions = []
    for name, item in space.items():
        if name == AUGMENTATION:
            dimensions.append(Dimension(name, tuple(Choice(label, label) for label in augmentations)))
        else:
            dimensions.append(parse_dimension(str(name), item, f"{where}.{name}"))
    return tuple(dimensions), augmentations


def _augmentations(written: object, tasks: list[str], space: set[str], where: str) -> dict[str, Mapping[str, Any]]:
    """Sets of arguments by name; none of them also a dimension, whose choice would be lost."""
    if written is None:
        return {}
    found: dict[str, Mapping[str, Any]] = {}
    for name, item in mapping(written, where).items():
        together = mapping(item, f"{where}.{name}") if item is not None else {}
        check_keys(together, (*tasks, *OUR_ARGUMENTS), f"{where}.{name}")
        for task in tasks:
            if task in together:
                check_keys(mapping(together[task], f"{where}.{name}.{task}"), OUR_ARGUMENTS, f"{where}.{name}.{task}")
        inner = {key for task in tasks for key in together.get(task, {})} | set(together) - set(tasks)
        if both := sorted(inner & space):
            raise ConfigError(f"{where}.{name}", both[0], "arguments that are no dimension of the space themselves")
        found[str(name)] = together
    return found


def _objectives(written: object, where: str) -> tuple[str, ...]:
    if written is None:
        return OBJECTIVES
    is_list = isinstance(written, list) and written and len(set(map(str, written))) == len(written)
    if not is_list or not all(name in OBJECTIVES for name in written):  # type: ignore[attr-defined]
        raise ConfigError(where, written, f"some of {', '.join(OBJECTIVES)}, each once")
    return tuple(written)  # type: ignore[arg-type]


def _budget(written: object, where: str) -> Budget:
    limits = mapping(written, where) if written is not None else {}
    check_keys(limits, ("trials", "samples", "tokens"), where)
    given = {key: whole(limits, key, 1, where) for key, value in limits.items() if value is not None}
    if not given:
        raise ConfigError(where, written, "one or more of trials, samples and tokens", "Say budget: {trials: 30}.")
    return Budget(**given)


def _run_settings(top: Mapping[str, Any], where: str) -> dict[str, Any]:
    """What all runs share, as `HarnessRun` takes it."""
    found: dict[str, Any] = {
        "batch_size": whole(top, "batch_size", 8, where),
        "apply_chat_template": choice_of(top, "apply_chat_template", (True, False), where),
        "metadata": mapping(top.get("metadata") or {}, f"{where}: metadata"),
    }
    if top.get("num_fewshot") is not None:
        found["num_fewshot"] = whole(top, "num_fewshot", 0, where, least=0)
    if top.get("include_path") is not None:
        found["include_path"] = str(top["include_path"])
    return found
