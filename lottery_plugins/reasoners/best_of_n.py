"""`best-of-n`: several tries, and the one that the verifier likes best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.sampling import METHODS, Tries, finished, needs_of, try_often
from lottery_plugins.reasoners.turns import check_at_least, check_one_of, check_temperature
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["BestOfN"]


@dataclass(frozen=True)
class BestOfN:
    """Draw several answers at once, let the run's verifier score each, and give the one with the highest score.

    Ties go to the first drawn. An answer that was drawn several times is judged once. What the budget left unjudged
    can't win, unless nothing was judged: then the first answer is given, and the stop reason tells.

    Raises:
        ConfigError: If an option is out of range.

    Cost: `samples` times the cost of the method, and one judgement per different answer.
    """

    name: ClassVar[str] = "best-of-n"
    summary: ClassVar[str] = "Draw several answers and give the one that the verifier scores highest."
    source: ClassVar[str] = "Cobbe et al. 2021, arXiv:2110.14168"
    needs: ClassVar[tuple[str, ...]] = ("verifier",)

    samples: int = option(5, "how many answers are drawn", allowed="1 or more")
    temperature: float = option(0.7, "of the drawn answers", allowed="above 0")
    method: str = option("chain-of-thought", "how each is made", allowed=" or ".join(METHODS))
    max_tokens: int | None = option(
        None, "longest reasoning or program; none: as the method says", unit="tokens", allowed="1 or more"
    )

    def __post_init__(self) -> None:
        check_at_least(1, "best-of-n.samples", self.samples)
        check_temperature("best-of-n.temperature", self.temperature)
        check_one_of(METHODS, "best-of-n.method", self.method)
        check_at_least(1, "best-of-n.max_tokens", self.max_tokens)
        # What the method needs is needed: said before the model is loaded.
        object.__setattr__(self, "needs", (*type(self).needs, *needs_of(self.method)))

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Draw, judge, choose."""
        tries = await try_often(
            self.method,
            problem,
            services,
            samples=self.samples,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
        )
        different = tuple(dict.fromkeys(tries.answers))
        judgements, spent = await finished(services.verify(answer) for answer in different)
        scores = {
            answer: judged.score for answer, judged in zip(different, judgements, strict=True) if judged is not None
        }
        best = max(scores, key=scores.__getitem__) if scores else next(iter(different), "")
        return Tries(different, tries.spent or spent).chosen(best)
