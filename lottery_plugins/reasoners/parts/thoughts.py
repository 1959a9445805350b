"""Reasoning that grows a step at a time, so that it can be searched: states, their growth, and breadth-first search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lottery_plugins.limits import BudgetExceededError, StopReason
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.parts.asking import case_turns, whole_list
from lottery_plugins.reasoners.parts.values import self_rating, votes_for
from lottery_plugins.reasoners.prompts import load
from lottery_plugins.reasoners.schedules import list_items
from lottery_plugins.reasoners.turns import continued
from lottery_plugins.reasoning.answers import marked_answer
from lottery_plugins.reasoning.branches import together
from lottery_plugins.trajectory import Problem

__all__ = ["EVALUATIONS", "PROPOSALS", "Found", "Growth", "Thoughts", "search"]

EVALUATIONS = ("value", "vote")
PROPOSALS = ("sample", "list")
VOTES = 3


@dataclass(frozen=True, slots=True)
class Thoughts:
    """A state of the search: the steps of reasoning so far."""

    steps: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The steps, as they follow on "Let's think step by step."."""
        return "".join(f"\nStep {number}: {step}" for number, step in enumerate(self.steps, 1))

    @property
    def is_finished(self) -> bool:
        """Whether the last step says the answer."""
        return bool(self.steps) and marked_answer(self.steps[-1]) is not None


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        states: Best first, at least one.
        spent: The limit that ended it early; None when it came to its end.
    """

    states: tuple[Thoughts, ...]
    spent: StopReason | None = None


@dataclass(frozen=True)
class Growth:
    """How the next steps of a state are found.

    Attributes:
        candidates: Most next steps of a state.
        propose: "sample": each is drawn by itself. "list": one completion lists them.
        temperature: Of drawn steps and of votes.
        max_tokens: Longest step.
    """

    candidates: int = 3
    propose: str = "sample"
    temperature: float = 0.7
    max_tokens: int = 64

    async def grow(self, problem: Problem, services: Services, states: Sequence[Thoughts]) -> list[Thoughts]:
        """All states that are one step on, without the same one twice; blank steps are left out."""
        found = await together(self._next_steps(problem, services, state) for state in states)
        grown = [
            Thoughts((*state.steps, step)) for state, steps in zip(states, found, strict=True) for step in steps if step
        ]
        return list(dict.fromkeys(grown))

    async def _next_steps(self, problem: Problem, services: Services, state: Thoughts) -> list[str]:
        if self.propose == "list":
            return await self._listed(problem, services, state)
        prompt = load("thoughts")
        number = str(len(state.steps) + 1)
        begun = prompt.fill("begun", trigger=load("chain-of-thought").texts["trigger"], steps=state.text, number=number)
        drawn = await together(
            services.generate(
                continued(problem.messages, begun),
                purpose="propose",
                max_tokens=self.max_tokens,
                stop=prompt.stop,
                temperature=self.temperature,
                sample=i,
            )
            for i in range(self.candidates)
        )
        return [" ".join(completion.text.split()) for completion in drawn]

    async def _listed(self, problem: Problem, services: Services, state: Thoughts) -> list[str]:
        prompt = load("proposals")
        turns = case_turns(
            prompt, is_chat=problem.is_chat, question=problem.question, steps=state.text.strip() or "none"
        )
        written = await services.generate(
            turns, purpose="propose", max_tokens=self.max_tokens * self.candidates, stop=prompt.stop
        )
        return list_items(whole_list(prompt.texts["begin"], written.text))[: self.candidates]


async def search(
    problem: Problem, services: Services, growth: Growth, *, steps: int, breadth: int, evaluate: str, votes: int = 3
) -> Found:
    """Breadth-first search over thoughts: grow all, evaluate all, keep the best.

    A state that says its answer grows no further and goes on competing. When the budget is spent, the states of the
    last whole level are given.

    Args:
        problem: What to think about.
        services: Its services.
        growth: How states grow.
        steps: Most levels.
        breadth: States kept per level.
        evaluate: "value": each state is rated by itself. "vote": the model chooses among all.
        votes: Completions per vote.
    """
    frontier, values = [Thoughts()], dict[Thoughts, float]()
    try:
        for _ in range(steps):
            grown = await growth.grow(problem, services, [state for state in frontier if not state.is_finished])
            if not grown:
                break
            states = [*(state for state in frontier if state.is_finished), *grown]
            if evaluate == "vote":
                texts = [state.text for state in states]
                shares = await votes_for(problem, services, texts, votes=votes, temperature=growth.temperature)
                values = dict(zip(states, shares, strict=True))
            else:
                ratings = await together(self_rating(problem, services, state.text) for state in grown)
                values |= zip(grown, ratings, strict=True)
            frontier = sorted(states, key=lambda state: -values[state])[:breadth]
    except BudgetExceededError as spent:
        return Found(tuple(frontier), spent.reason)
    return Found(tuple(frontier))
