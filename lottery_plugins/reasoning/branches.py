"""Acts that run at once, recorded branch by branch.

A transcript then reads as if the branches had been taken one after the other, and does not tell which was quicker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from lottery_plugins.limits import BudgetExceededError

__all__ = ["begin_branches", "next_place", "settled", "sub_problem", "sub_problem_path", "together"]

_T = TypeVar("_T")


@dataclass(slots=True)
class _Branch:
    """A line of acts: its own place among all lines of a problem, and how many places it has given to its acts."""

    path: tuple[int, ...] = ()
    taken: int = 0


_CURRENT: ContextVar[_Branch | None] = ContextVar("lottery_branch", default=None)
_SUB_PROBLEM: ContextVar[str] = ContextVar("lottery_sub_problem", default="")


@contextmanager
def sub_problem(path: Sequence[int]) -> Iterator[None]:
    """What is done within is recorded as done for this sub-problem; see `Step.path`."""
    token = _SUB_PROBLEM.set(".".join(map(str, path)))
    try:
        yield
    finally:
        _SUB_PROBLEM.reset(token)


def sub_problem_path() -> str:
    """The sub-problem that is being worked on; "" for the problem itself."""
    return _SUB_PROBLEM.get()


def begin_branches() -> _Branch:
    """Begin the record of a problem: what follows in this task is its main line."""
    branch = _Branch()
    _CURRENT.set(branch)
    return branch


def next_place() -> tuple[int, ...]:
    """The place in the record of an act that begins now; places compare as the acts are to be read."""
    branch = _CURRENT.get()
    if branch is None:  # a task that does not descend from the one that made the services
        branch = begin_branches()
    branch.taken += 1
    return (*branch.path, branch.taken)


async def together(acts: Iterable[Awaitable[_T]]) -> list[_T]:
    """Do things at once, each on a branch of its own; gives their results in order, when all have ended.

    Raises:
        Exception: What the first of them raised; a spent budget only when nothing worse happened.
    """
    results = await settled(acts)
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in sorted(failures, key=lambda failure: isinstance(failure, BudgetExceededError)):
        raise failure
    return [result for result in results if not isinstance(result, BaseException)]


async def settled(acts: Iterable[Awaitable[_T]]) -> list[_T | BaseException]:
    """Do things at once, each on a branch of its own; gives the result or the failure of each, when all have ended."""
    place = next_place()
    lines = (_on_branch(_Branch((*place, number)), act) for number, act in enumerate(acts))
    return await asyncio.gather(*lines, return_exceptions=True)


async def _on_branch(branch: _Branch, act: Awaitable[_T]) -> _T:
    _CURRENT.set(branch)
    return await act
