"""How often a run's programs could be executed, and how often the solver was right when they were.

The two are told apart, because they fail for different reasons: the first when the model can't write the language, the
second when it says something else than the problem. Both are read off the recorded steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lottery_logic.reasoner import PURPOSES, TOOL
from lottery_plugins.trajectory import Trajectory

__all__ = ["LogicRates", "is_executed", "is_solved"]


def is_executed(trajectory: Trajectory) -> bool:
    """Whether the last program of a problem ran: its tool step has no error."""
    programs = [step for step in trajectory.steps if step.kind == "tool" and step.tool == TOOL]
    return bool(programs) and programs[-1].error is None


def is_solved(trajectory: Trajectory) -> bool:
    """Whether the answer is the solver's, and not none or that of a fallback."""
    others = [s for s in trajectory.steps if s.kind == "generate" and s.purpose not in PURPOSES]
    return is_executed(trajectory) and trajectory.answer != "" and not others


@dataclass(frozen=True, slots=True, kw_only=True)
class LogicRates:
    """Counts of one task, from which the rates are shares.

    Attributes:
        problems: Trajectories.
        executed: Whose last program ran; `executed / problems` is the executable rate.
        refined: Which took more than one program.
        solved: Whose answer is the solver's.
        right_solved: Which are right by the solver's answer; `right_solved / executed` is the accuracy given executed.
        right: Which are right, by whatever answer.
    """

    problems: int = 0
    executed: int = 0
    refined: int = 0
    solved: int = 0
    right_solved: int = 0
    right: int = 0

    @classmethod
    def of(cls, trajectories: Iterable[Trajectory], is_right: Callable[[Trajectory], bool]) -> LogicRates:
        """Count.

        Args:
            trajectories: Of the reasoner `logic-program`, as in trajectories.jsonl.
            is_right: Whether the answer was scored as right.
        """
        rows = [(is_executed(t), is_solved(t), is_right(t), t) for t in trajectories]
        return cls(
            problems=len(rows),
            executed=sum(executed for executed, *_ in rows),
            refined=sum(sum(step.tool == TOOL for step in t.steps) > 1 for *_, t in rows),
            solved=sum(solved for _, solved, *_ in rows),
            right_solved=sum(solved and right for _, solved, right, _ in rows),
            right=sum(right for _, _, right, _ in rows),
        )
