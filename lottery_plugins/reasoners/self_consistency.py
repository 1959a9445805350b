"""`self-consistency`: several ways of reasoning, and a vote on where they lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.sampling import Sampling
from lottery_plugins.reasoning.voting import vote
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["SelfConsistency"]


@dataclass(frozen=True)
class SelfConsistency(Sampling):
    """Draw several chains of thought and answer what most of them conclude.

    Answers are compared by what they mean (`voting.meaning`), ties go to the first drawn, and the winner is given in
    the spelling that most of its voters used. Tries that the budget ended do not vote; the stop reason then tells.

    With `samples=none` it makes one try after another until the budget is spent, the first one undrawn: what a plain
    model can do with the tokens of another run (`budget_of`).

    Cost: `samples` times the cost of the method; a fixed number of tries runs at once.
    Deviation: the paper draws 40 samples; each is reasoning and answer in one, where chain-of-thought here asks for the
        answer in a second, undrawn completion.
    """

    name: ClassVar[str] = "self-consistency"
    summary: ClassVar[str] = "Draw several chains of thought and answer what most of them conclude."
    source: ClassVar[str] = "Wang et al. 2022, arXiv:2203.11171"
    needs: ClassVar[tuple[str, ...]] = ()

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Draw, then vote."""
        tries = await self.tries(problem, services)
        return tries.chosen(vote(tries.answers))
