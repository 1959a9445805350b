"""The trials of a search, kept by Optuna: what was tried, what is broken off, and what to try next.

Optuna's study is the one record. A trial is asked for and its parameters are on disk before anything is run, and it is
told when all is known: what was asked and never told was broken off, and is taken up again. The sampler is made anew
for each trial from the study's seed and the trial's number, so that an interrupted search goes on as it would have.

Early stopped tickets are told as complete, with a constraint above 0: Optuna's samplers forget pruned trials of a study
with several objectives, and rank infeasible ones by how far they are off.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lottery_plugins.errors import DataError, MissingExtraError
from lottery_plugins.folders import write_ahead
from lottery_plugins.search.additive import most_promising
from lottery_plugins.search.measure import Cost
from lottery_plugins.search.plan import SearchPlan
from lottery_plugins.search.record import NO_SCORE, Record
from lottery_plugins.search.space import Dimension, Range, Value, distance
from lottery_plugins.search.ticket import Ticket

__all__ = ["STUDY_FILE", "Asked", "Trials", "read_study"]

STUDY_FILE = "study.db"

_NAME = "search"
_PATIENCE_S = 60.0  # for another process that reads the study
_RECORD = "record"
_ORIGINAL = "original"
_DEAREST = 1e9
_REFUSED, _NOT_ACCEPTED = 10.0, 0.01
_AT_RANDOM = 5
"""Tickets that are drawn at random before a sampler learns; Optuna's 10 are half of a usual budget here."""

_MANY = 10_000
"""Points that are looked at for the next ticket."""

_POPULATION = 16
"""Of NSGA-II: Optuna's 50 would be random search for most budgets here."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A ticket to be tried: its trial in Optuna."""

    number: int
    ticket: Ticket
    trial: Any


class Trials:
    """The trials of one search. Used by one thread.

    Args:
        plan: The study file.
        folder: Where the study is kept; None: in memory.

    Raises:
        MissingExtraError: Optuna is not installed.
    """

    def __init__(self, plan: SearchPlan, folder: Path | None = None) -> None:
        self._plan = plan
        self._optuna = _optuna()
        self._study = self._optuna.create_study(
            study_name=_NAME,
            storage=None if folder is None else _storage(self._optuna, folder),
            directions=["maximize" if name == "score" else "minimize" for name in plan.objectives],
            load_if_exists=True,
        )
        self._size = plan.num_points
        self.records = _records_of(self._study)
        self._seen = {self._key(record.point) for record in self.records}

    def note_original(self, cost: Cost) -> None:
        """Keep what the original cost, for whoever reads the study."""
        self._study.set_user_attr(_ORIGINAL, cost.to_json())

    def broken_off(self) -> list[Asked]:
        """Trials that an earlier process asked for and never told, oldest first."""
        running = self._study.get_trials(deepcopy=False, states=[self._optuna.trial.TrialState.RUNNING])
        found = []
        for frozen in running:
            trial = self._optuna.trial.Trial(self._study, frozen._trial_id)
            asked = self._asked(trial)
            if asked.ticket.key in self._seen:  # killed between asking for it and seeing that it was known
                self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
                continue
            self._seen.add(asked.ticket.key)
            found.append(asked)
        return found

    def ask(self) -> Asked | None:
        """The next ticket to try, never one that was tried; None when all of the space was."""
        if len(self._seen) >= self._size:
            return None
        if self._plan.sampler == "additive" and sum(bool(r.looks) for r in self.records) >= _AT_RANDOM:
            self._study.enqueue_trial(dict(most_promising(self._plan, self.records, self._some_unseen())))
        asked = self._ask()
        if asked.ticket.key in self._seen:
            self._study.tell(asked.trial, state=self._optuna.trial.TrialState.FAIL)
            self._study.enqueue_trial(self._nearest_unseen(asked.ticket.point))
            asked = self._ask()
        self._seen.add(asked.ticket.key)
        return asked

    def tell(self, asked: Asked, record: Record) -> None:
        """Note what became of a ticket."""
        asked.trial.set_user_attr(_RECORD, record.to_json())
        for task, look in record.looks.items():
            asked.trial.set_constraint(task, max(look.shortfall, 0.0) if record.state != "accepted" else look.shortfall)
        if record.state != "accepted":
            asked.trial.set_constraint("state", _REFUSED if record.state in ("refused", "failed") else _NOT_ACCEPTED)
        self._study.tell(asked.trial, values=[_told(record, name) for name in self._plan.objectives])
        self.records.append(record)

    def _ask(self) -> Asked:
        self._study.sampler = self._sampler(len(self._study.get_trials(deepcopy=False)))
        return self._asked(self._study.ask())

    def _asked(self, trial: Any) -> Asked:
        point: dict[str, Value] = {}
        for dimension in self._plan.dimensions:
            point |= _suggested(trial, dimension)
        return Asked(trial.number, self._plan.ticket_at(point), trial)

    def _sampler(self, count: int) -> Any:
        seed = random.Random(f"{self._plan.seed} {count}").getrandbits(31)
        samplers = self._optuna.samplers
        if self._plan.sampler in ("random", "additive"):
            return samplers.RandomSampler(seed=seed)
        if self._plan.sampler == "nsga2":
            return samplers.NSGAIISampler(seed=seed, population_size=_POPULATION)
        return samplers.TPESampler(seed=seed, n_startup_trials=_AT_RANDOM)

    def _some_unseen(self) -> list[dict[str, Value]]:
        """Points that were not tried: all of them, or of a large space as many as are looked at, drawn evenly."""
        every = max(1, self._plan.num_points // _MANY)
        start = random.Random(f"{self._plan.seed} {len(self._seen)}").randrange(every)
        points = (point for i, point in enumerate(self._plan.points()) if i % every == start)
        return [point for point in points if self._key(point) not in self._seen] or [self._nearest_unseen({})]

    def _nearest_unseen(self, point: Mapping[str, Value]) -> dict[str, Value]:
        """The point nearest to a known one that was not tried; chance decides among equally near ones.

        A sampler that has found a good region of a small space asks for its best points again and again.
        """
        chance = random.Random(f"{self._plan.seed} {len(self._seen)}")
        unseen = (other for other in self._plan.points() if self._key(other) not in self._seen)
        return min(unseen, key=lambda other: (distance(self._plan.dimensions, point or other, other), chance.random()))

    def _key(self, point: Mapping[str, Value]) -> str:
        return Ticket("", {}, point).key


def read_study(folder: Path) -> tuple[list[Record], Cost]:
    """What became of the tickets of a search, in the order in which it was known, and what the original cost.

    Raises:
        DataError: There is no search in this folder.
    """
    optuna = _optuna()
    if not (folder / STUDY_FILE).is_file():
        raise DataError(str(folder), f"holds no search ({STUDY_FILE} is missing)", "Name the --out of lottery search.")
    study = optuna.load_study(study_name=_NAME, storage=_storage(optuna, folder))
    return _records_of(study), Cost(**study.user_attrs.get(_ORIGINAL, {}))


def _records_of(study: Any) -> list[Record]:
    trials = study.get_trials(deepcopy=False)
    done = [trial for trial in trials if _RECORD in trial.user_attrs and trial.state.is_finished()]
    done.sort(key=lambda trial: (trial.datetime_complete, trial.number))
    return [Record.from_json(trial.user_attrs[_RECORD]) for trial in done]


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError("lottery search", "optuna", "pip install 'lottery-plugins[search]'") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _storage(optuna: Any, folder: Path) -> Any:
    """The study's SQLite file; ahead-written, as Optuna writes many small things and each would wait for the disk."""
    path = (folder / STUDY_FILE).resolve()
    with closing(sqlite3.connect(path)) as db:
        write_ahead(db, _PATIENCE_S)
    return optuna.storages.RDBStorage(f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": _PATIENCE_S}})


def _suggested(trial: Any, dimension: Dimension) -> dict[str, Value]:
    """The dimension's parameters; what was suggested before an interruption stays."""
    if dimension.range is not None:
        return {dimension.name: _number(trial, dimension.name, dimension.range)}
    label = trial.suggest_categorical(dimension.name, [choice.label for choice in dimension.choices])
    point: dict[str, Value] = {dimension.name: label}
    choice = dimension.choice(label)
    for place, numbers in choice.ranges.items():
        name = dimension.parameter(choice, place)
        point[name] = _number(trial, name, numbers)
    return point


def _number(trial: Any, name: str, numbers: Range) -> float:
    suggest = trial.suggest_int if numbers.is_whole else trial.suggest_float
    return numbers.tidy(suggest(name, numbers.low, numbers.high, step=numbers.step))


def _told(record: Record, name: str) -> float:
    value = record.value(name)
    if value is not None:
        return value
    return NO_SCORE if name == "score" else _DEAREST
