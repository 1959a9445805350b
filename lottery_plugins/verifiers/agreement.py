"""`agreement`: how many fresh answers of the model say the same."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.errors import ConfigError
from lottery_plugins.generation import Completion
from lottery_plugins.messages import continued
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.reasoning.voting import meaning
from lottery_plugins.trajectory import Problem
from lottery_plugins.verifiers.judging import check_at_least, check_threshold, judged
from lottery_plugins.verifiers.prompts import load

__all__ = ["Agreement"]

_FIRST_SAMPLE = 100_000
"""Numbers of the samples begin here: a reasoner that draws from the same prompt has other ones."""


@dataclass(frozen=True)
class Agreement:
    """Draw answers anew and score an answer by the share of them that mean the same.

    What is compared is the final answer, numbers by their value (`reasoning.voting.meaning`). A blank answer, given or
    drawn, agrees with nothing.

    Raises:
        ConfigError: If an option is out of range.

    Cost: `samples` completions for each answer that is judged.
    Source: the vote of self-consistency, used as a score.
    """

    name: ClassVar[str] = "agreement"
    summary: ClassVar[str] = "Draw fresh answers and count how many agree."
    source: ClassVar[str] = "Wang et al. 2022, arXiv:2203.11171"

    samples: int = option(5, "how many answers are drawn", allowed="1 or more")
    temperature: float = option(0.7, "of the drawn answers", allowed="above 0")
    style: str = option("direct", "how they are drawn: as the task asks, or thinking first", allowed="direct or think")
    max_tokens: int | None = option(None, "longest answer; none: as the task says, 256 thinking", unit="tokens")
    threshold: float = option(0.5, "answers that score above it are accepted", allowed="[0, 1)")

    def __post_init__(self) -> None:
        check_at_least(1, "agreement.samples", self.samples)
        check_at_least(1, "agreement.max_tokens", self.max_tokens)
        check_threshold("agreement.threshold", self.threshold)
        if not self.temperature > 0:
            raise ConfigError("verifier: agreement.temperature", self.temperature, "a number above 0")
        if self.style not in ("direct", "think"):
            raise ConfigError("verifier: agreement.style", self.style, "direct or think")

    async def verify(self, problem: Problem, answer: str, services: Services) -> Judgement:
        """Draw and compare."""
        drawn = await asyncio.gather(*(self._draw(problem, services, i) for i in range(self.samples)))
        wanted = meaning(answer) if answer.strip() else None
        agree = sum(wanted is not None and bool(d.text.strip()) and meaning(d.text) == wanted for d in drawn)
        return judged(agree / self.samples, self.threshold, f"{agree} of {self.samples} fresh answers agree")

    async def _draw(self, problem: Problem, services: Services, number: int) -> Completion:
        thinks = self.style == "think"
        prompt = load(self.name)
        return await services.generate(
            continued(problem.messages, prompt.texts["think"]) if thinks else problem.messages,
            purpose="agreement",
            max_tokens=self.max_tokens or (256 if thinks else None),
            stop=prompt.stop if thinks else None,
            temperature=self.temperature,
            sample=_FIRST_SAMPLE + number,
        )
