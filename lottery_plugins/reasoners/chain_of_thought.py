"""`chain-of-thought`: reason in words first, then answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.limits import BudgetExceededError
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.prompts import load
from lottery_plugins.reasoners.turns import check_at_least, continued
from lottery_plugins.reasoning.answers import final_answer, marked_answer
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["ChainOfThought", "conclude", "think"]


@dataclass(frozen=True)
class ChainOfThought:
    """Let the model think step by step, then ask it for the answer alone.

    The reply is begun with "Let's think step by step."; the task's few-shot examples stay in front of it. The answer
    is one line. When the budget ends before the second call, the answer is taken from the reasoning.

    Raises:
        ConfigError: If an option is out of range.

    Cost: two completions; one with `second_call=false`.
    Deviation: Wei et al. write reasoning into the few-shot examples; here the examples are the task's own.
    """

    name: ClassVar[str] = "chain-of-thought"
    summary: ClassVar[str] = "Think step by step in words, then answer."
    source: ClassVar[str] = "Wei et al. 2022, arXiv:2201.11903; zero-shot: Kojima et al. 2022, arXiv:2205.11916"
    needs: ClassVar[tuple[str, ...]] = ()

    max_tokens: int = option(256, "longest reasoning", unit="tokens", allowed="1 or more")
    second_call: bool = option(True, "ask for the answer in a second completion; else read it out of the reasoning")

    def __post_init__(self) -> None:
        check_at_least(1, "chain-of-thought.max_tokens", self.max_tokens)

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Reason, then conclude."""
        thoughts = await think(problem, services, max_tokens=self.max_tokens)
        return await conclude(problem, services, thoughts) if self.second_call else Answer(final_answer(thoughts))


async def think(
    problem: Problem, services: Services, *, max_tokens: int, temperature: float | None = None, sample: int = 0
) -> str:
    """Reasoning about a problem, as it follows on the trigger "Let's think step by step".

    Args:
        problem: What to reason about.
        services: Its services.
        max_tokens: Longest reasoning.
        temperature: As for `Services.generate`.
        sample: As for `Services.generate`.
    """
    prompt = load(ChainOfThought.name)
    written = await services.generate(
        continued(problem.messages, prompt.texts["trigger"]),
        purpose="reason",
        max_tokens=max_tokens,
        stop=prompt.stop,
        temperature=temperature,
        sample=sample,
    )
    return written.text


async def conclude(problem: Problem, services: Services, thoughts: str) -> Answer:
    """Ask for the answer alone after a reasoning; read it out of the reasoning when the budget is spent.

    Args:
        problem: What was reasoned about.
        services: Its services.
        thoughts: The reasoning, as it follows on the trigger.
    """
    prompt, read = load(ChainOfThought.name), final_answer(thoughts)
    begun = prompt.fill("conclude", trigger=prompt.texts["trigger"], thoughts=thoughts.rstrip())
    try:
        conclusion = await services.generate(continued(problem.messages, begun), purpose="conclude")
    except BudgetExceededError as spent:
        return Answer(read, spent.reason)
    return Answer(marked_answer(f"The answer is {conclusion.text}") or read)
