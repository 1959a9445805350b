"""`self-check`: the model itself says whether an answer is right."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.errors import ConfigError
from lottery_plugins.messages import Message
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.trajectory import Problem
from lottery_plugins.verifiers.judging import UNDECIDED, asked, check_at_least, check_threshold, judged, shown
from lottery_plugins.verifiers.prompts import load

__all__ = ["SelfCheck", "verdict_in"]

_VERDICT = re.compile(
    r"\b(?:(?P<no>no|not\s+(?:correct|right|true)|incorrect|wrong|false|isn't)|(?P<yes>yes|correct|right|true))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SelfCheck:
    """Show the model the question and the final answer, and ask whether that is correct.

    The score is the share of yes among the votes; a reply without a verdict counts as half a one. Small models say
    yes to nearly anything: look at how often it accepts wrong answers before you build on it.

    Raises:
        ConfigError: If an option is out of range.

    Cost: one short completion per vote.
    Source: P(True) of Kadavath et al.
    Deviation: the paper reads the probability of the token "True"; not every engine tells one, so votes are counted.
    """

    name: ClassVar[str] = "self-check"
    summary: ClassVar[str] = "Ask the model whether the answer is correct."
    source: ClassVar[str] = "Kadavath et al. 2022, arXiv:2207.05221"

    votes: int = option(1, "how often it is asked; a single time greedily", allowed="1 or more")
    temperature: float = option(0.7, "of several votes", allowed="above 0")
    max_tokens: int = option(8, "longest reply", unit="tokens", allowed="1 or more")
    threshold: float = option(0.5, "answers that score above it are accepted", allowed="[0, 1)")

    def __post_init__(self) -> None:
        check_at_least(1, "self-check.votes", self.votes)
        check_at_least(1, "self-check.max_tokens", self.max_tokens)
        check_threshold("self-check.threshold", self.threshold)
        if not self.temperature > 0:
            raise ConfigError("verifier: self-check.temperature", self.temperature, "a number above 0")

    async def verify(self, problem: Problem, answer: str, services: Services) -> Judgement:
        """Ask and count."""
        prompt = load(self.name)
        text = prompt.fill("chat" if problem.is_chat else "base", question=asked(problem), answer=shown(answer))
        replies = await asyncio.gather(
            *(
                services.generate(
                    (Message("user", text),),
                    purpose="self-check",
                    max_tokens=self.max_tokens,
                    stop=prompt.stop,
                    temperature=self.temperature if self.votes > 1 else 0.0,
                    sample=vote,
                )
                for vote in range(self.votes)
            )
        )
        verdicts = [verdict_in(reply.text) for reply in replies]
        score = sum(UNDECIDED if verdict is None else float(verdict) for verdict in verdicts) / self.votes
        said = f"{verdicts.count(True)} yes, {verdicts.count(False)} no, {verdicts.count(None)} without a verdict"
        return judged(score, self.threshold, said)


def verdict_in(reply: str) -> bool | None:
    """The first verdict of a reply: True for yes, False for no; None when there is none."""
    found = _VERDICT.search(reply)
    return None if found is None else found["yes"] is not None
