"""`best-of-n`: several tries, and the one that the verifier likes best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.sampling import Sampling, Tries, finished
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["BestOfN"]


@dataclass(frozen=True)
class BestOfN(Sampling):
    """Draw several answers at once, let the run's verifier score each, and give the one with the highest score.

    Ties go to the first drawn. An answer that was drawn several times is judged once. What the budget left unjudged
    can't win, unless nothing was judged: then the first answer is given, and the stop reason tells.

    Cost: `samples` times the cost of the method, and one judgement per different answer.
    """

    name: ClassVar[str] = "best-of-n"
    summary: ClassVar[str] = "Draw several answers and give the one that the verifier scores highest."
    source: ClassVar[str] = "Cobbe et al. 2021, arXiv:2110.14168"
    needs: ClassVar[tuple[str, ...]] = ("verifier",)

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Draw, judge, choose."""
        tries = await self.tries(problem, services)
        different = tuple(dict.fromkeys(tries.answers))
        judgements, spent = await finished(services.verify(answer) for answer in different)
        scores = {
            answer: judged.score for answer, judged in zip(different, judgements, strict=True) if judged is not None
        }
        best = max(scores, key=scores.__getitem__) if scores else next(iter(different), "")
        return Tries(different, tries.spent or spent).chosen(best)
