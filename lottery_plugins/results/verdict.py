"""From p values to verdicts: non-inferiority with a margin that was fixed beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lottery_plugins.results.statistics import PairedDifference, holm

__all__ = ["VERDICTS", "TaskTest", "Verdict", "against_margin", "group_verdict", "judge"]

Verdict = Literal["inferior", "inconclusive", "non_inferior"]

VERDICTS: tuple[Verdict, ...] = ("inferior", "inconclusive", "non_inferior")
"""From worst to best."""


@dataclass(frozen=True, slots=True)
class TaskTest:
    """Both one-sided tests of one task at its margin, before any correction.

    Attributes:
        p_non_inferior: p of "the candidate loses the margin or more"; small speaks for the candidate.
        p_inferior: p of "the candidate loses the margin or less"; small speaks against it.
    """

    p_non_inferior: float
    p_inferior: float


def against_margin(difference: PairedDifference, margin: float) -> TaskTest:
    """Test a difference against -margin from both sides."""
    return TaskTest(difference.p_above(-margin), difference.p_below(-margin))


def judge(tests: Sequence[TaskTest], alpha: float) -> list[Verdict]:
    """The verdict of each task of one candidate, Holm's correction over the tasks.

    Claims of non-inferiority and of inferiority are corrected apart: of a task's two claims only one can be false.
    """
    for_it = holm([test.p_non_inferior for test in tests])
    against = holm([test.p_inferior for test in tests])
    return [_verdict(f, a, alpha) for f, a in zip(for_it, against, strict=True)]


def _verdict(p_non_inferior: float, p_inferior: float, alpha: float) -> Verdict:
    if p_non_inferior <= alpha:
        return "non_inferior"
    return "inferior" if p_inferior <= alpha else "inconclusive"


def group_verdict(tests: Sequence[TaskTest], verdicts: Sequence[Verdict], alpha: float) -> Verdict:
    """The verdict on several tasks together.

    Intersection-union: non_inferior when every task is at level alpha, which needs no correction as all must hold.
    Inferior when a task is, after Holm's correction over all tasks.
    """
    if all(test.p_non_inferior <= alpha for test in tests):
        return "non_inferior"
    return "inferior" if "inferior" in verdicts else "inconclusive"
