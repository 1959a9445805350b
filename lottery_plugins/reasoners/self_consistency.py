"""`self-consistency`: several ways of reasoning, and a vote on where they lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.sampling import METHODS, needs_of, try_often
from lottery_plugins.reasoners.turns import check_at_least, check_one_of, check_temperature
from lottery_plugins.reasoners.voting import vote
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["SelfConsistency"]


@dataclass(frozen=True)
class SelfConsistency:
    """Draw several chains of thought at once and answer what most of them conclude.

    Answers are compared by what they mean (`voting.meaning`), ties go to the first drawn, and the winner is given in
    the spelling that most of its voters used. Tries that the budget ended do not vote; the stop reason then tells.

    Raises:
        ConfigError: If an option is out of range.

    Cost: `samples` times the cost of the method; all tries run at once.
    Deviation: the paper draws 40 samples; each is reasoning and answer in one, where chain-of-thought here asks for the
        answer in a second, undrawn completion.
    """

    name: ClassVar[str] = "self-consistency"
    summary: ClassVar[str] = "Draw several chains of thought and answer what most of them conclude."
    source: ClassVar[str] = "Wang et al. 2022, arXiv:2203.11171"
    needs: ClassVar[tuple[str, ...]] = ()

    samples: int = option(5, "how many chains are drawn", allowed="1 or more")
    temperature: float = option(0.7, "of the drawn reasoning", allowed="above 0")
    method: str = option("chain-of-thought", "how each is made", allowed=" or ".join(METHODS))
    max_tokens: int | None = option(
        None, "longest reasoning or program; none: as the method says", unit="tokens", allowed="1 or more"
    )

    def __post_init__(self) -> None:
        check_at_least(1, "self-consistency.samples", self.samples)
        check_temperature("self-consistency.temperature", self.temperature)
        check_one_of(METHODS, "self-consistency.method", self.method)
        check_at_least(1, "self-consistency.max_tokens", self.max_tokens)
        # What the method needs is needed: said before the model is loaded.
        object.__setattr__(self, "needs", (*type(self).needs, *needs_of(self.method)))

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Draw, then vote."""
        tries = await try_often(
            self.method,
            problem,
            services,
            samples=self.samples,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
        )
        return tries.chosen(vote(tries.answers))
