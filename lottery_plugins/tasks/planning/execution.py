"""Reads a plan out of a text and carries it out, step by step; pure, and the same for every kind of plan.

A family says how steps are read and what a step does to a state; any plan that reaches the goal is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from lottery_plugins.tasks.scoring import answer_lines, answer_span

__all__ = ["Execution", "carry_out", "plan_scores", "read_plan"]

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Execution(Generic[S]):
    """What became of a plan.

    Attributes:
        state: The state after the last step that could be done.
        done: Steps carried out before the first one that is not allowed.
        written: Steps of the plan.
    """

    state: S
    done: int
    written: int


def carry_out(start: S, plan: Sequence[A], step: Callable[[S, A], S | None]) -> Execution[S]:
    """Carry out a plan up to its first step that is not allowed, for which `step` gives None."""
    state = start
    for done, action in enumerate(plan):
        after = step(state, action)
        if after is None:
            return Execution(state, done, len(plan))
        state = after
    return Execution(state, len(plan), len(plan))


def plan_scores(ran: Execution[S], is_goal: bool, needed: int) -> dict[str, float]:
    """`acc`: all steps are allowed and the goal is reached; `partial`: the share of steps that could be done.

    Args:
        ran: What became of the plan.
        is_goal: Whether the state that it leads to is the goal.
        needed: Steps of the shortest plan: writing fewer is no way to a better share.
    """
    is_whole = ran.done == ran.written
    return {"acc": float(is_goal and is_whole), "partial": ran.done / max(ran.written, needed)}


def read_plan(text: str, read: Callable[[str], list[A]], needed: int) -> list[A]:
    """The steps of the first part of a text that states a plan.

    A plan stands in one line, in the lines up to an empty one, or in all lines; each after the last answer mark when
    there is one. A part with a single step states a plan only where one step is needed.
    """
    lines = answer_lines(text)
    block = re.split(r"\n[ \t]*\n", lines.strip(), maxsplit=1)[0]
    parts = [answer_span(text), block, lines]
    plans = (read(part) for part in parts)
    return next((plan for plan in plans if len(plan) > (needed > 1)), [])
