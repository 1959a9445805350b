"""What an answer is worth, and which of several is given: `verify_solution` and `select_solution`."""

from __future__ import annotations

from collections.abc import Sequence

from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.reasoners.algorithm import Node, Solution
from lottery_plugins.reasoners.voting import vote
from lottery_plugins.trajectory import Answer

__all__ = ["accept_any", "ask_verifier", "select"]

BLANK = Judgement(0.0, accepted=False, reason="There is no answer.")


async def accept_any(node: Node, answer: Answer) -> Judgement:
    """Accept every answer that is not blank."""
    return Judgement(1.0, accepted=True) if answer.text.strip() else BLANK


async def ask_verifier(node: Node, answer: Answer) -> Judgement:
    """The judgement of the run's verifier; without one, every answer that is not blank is accepted."""
    if not answer.text.strip() or not node.services.has_verifier:
        return await accept_any(node, answer)
    return await node.services.verify(answer.text, problem=node.problem)


def select(solutions: Sequence[Solution]) -> Solution:
    """The solution with the best score; among several such, one that most of them agree with, ties to the first."""
    best = max(solution.judgement.score for solution in solutions)
    equals = [solution for solution in solutions if solution.judgement.score == best]
    winner = vote([solution.answer.text for solution in equals])
    return next((solution for solution in equals if solution.answer.text == winner), equals[0])
