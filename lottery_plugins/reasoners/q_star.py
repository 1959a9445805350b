"""`q-star`: best-first search over steps of reasoning, led by what was reached and what may still be."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import ClassVar

from lottery_plugins.errors import ConfigError
from lottery_plugins.limits import BudgetExceededError, StopReason
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.chain_of_thought import conclude
from lottery_plugins.reasoners.parts.thoughts import PROPOSALS, Growth, Thoughts
from lottery_plugins.reasoners.parts.values import value_of
from lottery_plugins.reasoners.turns import check_at_least, check_one_of, check_temperature
from lottery_plugins.reasoning.branches import together
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["QStar"]

AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "min": min,
    "mean": fmean,
    "last": lambda values: values[-1],
}


@dataclass(frozen=True, slots=True)
class _State:
    """A line of thought and the value of each of its beginnings."""

    thoughts: Thoughts
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class QStar:
    """Best-first (A*) search: the most promising line of thought is always the next to grow.

    A line of thought with the steps s1..st is worth f = g + weight * h. Here g is what was reached: the values of s1,
    of s1..s2, and so on to s1..st, put together by `aggregate`; h is what may still be reached: the value of s1..st
    itself, which stands for Q(s1..st-1, st). A value is the score of the run's verifier, or the model's own rating
    where there is none. Of equals the longest comes first, so that a model which rates all alike still gets on.

    The first line of thought to come first with its answer said, or with `steps` steps, is concluded. After
    `expansions` growths, or when nothing grows any more, the best one is, and the stop reason tells.

    Raises:
        ConfigError: If an option is out of range.

    Cost: per expansion at most `candidates` proposals and as many values; one completion for the answer.
    Deviation: the paper trains a Q-value model by offline reinforcement learning or takes a stronger model's roll-outs;
        here nothing is trained, so the one value of a state serves both for g and for h.
    """

    name: ClassVar[str] = "q-star"
    summary: ClassVar[str] = "Best-first search over steps of reasoning, led by a value function."
    source: ClassVar[str] = "Wang et al. 2024, Q*, arXiv:2406.14283"
    needs: ClassVar[tuple[str, ...]] = ()

    steps: int = option(4, "most steps of a line of thought", allowed="1 or more")
    candidates: int = option(3, "next steps proposed for a line of thought", allowed="1 or more")
    expansions: int = option(6, "most times that a line of thought is grown", allowed="1 or more")
    weight: float = option(1.0, "of what may still be reached (lambda)", allowed="0 or more")
    aggregate: str = option("min", "how the values on the way are put together", allowed="min, mean or last")
    propose: str = option(
        "sample", "draw next steps one by one, or let one completion list them", allowed="sample or list"
    )
    temperature: float = option(0.7, "of drawn steps", allowed="above 0")
    max_tokens: int = option(64, "longest step", unit="tokens", allowed="1 or more")

    def __post_init__(self) -> None:
        for name in ("steps", "candidates", "expansions", "max_tokens"):
            check_at_least(1, f"{self.name}.{name}", getattr(self, name))
        check_one_of(tuple(AGGREGATES), f"{self.name}.aggregate", self.aggregate)
        check_one_of(PROPOSALS, f"{self.name}.propose", self.propose)
        check_temperature(f"{self.name}.temperature", self.temperature)
        if not 0 <= self.weight < float("inf"):
            raise ConfigError(f"reasoner: {self.name}.weight", self.weight, "a number of 0 or more")

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Search, then ask the line of thought that was reached for its answer."""
        found, stopped = await self._search(problem, services)
        answer = await conclude(problem, services, found.text)
        return answer if stopped is StopReason.ANSWERED else replace(answer, stop_reason=stopped)

    async def _search(self, problem: Problem, services: Services) -> tuple[Thoughts, StopReason]:
        """The line of thought to conclude, and why the search ended."""
        growth = Growth(self.candidates, self.propose, self.temperature, self.max_tokens)
        order = itertools.count()
        frontier = [(0.0, 0, next(order), _State(Thoughts()))]
        expanded = 0
        try:
            while frontier:
                state = frontier[0][-1]
                if state.thoughts.is_finished or len(state.thoughts.steps) >= self.steps:
                    return state.thoughts, StopReason.ANSWERED
                if expanded == self.expansions:
                    return state.thoughts, StopReason.MAX_STEPS
                grown = await self._grown(problem, services, growth, state)
                if not grown and len(frontier) == 1:
                    break
                heapq.heappop(frontier)
                expanded += 1
                for child in grown:
                    rank = -self._promise(child), -len(child.values), next(order)
                    heapq.heappush(frontier, (*rank, child))
        except BudgetExceededError as spent:
            return frontier[0][-1].thoughts, spent.reason
        return frontier[0][-1].thoughts, StopReason.MAX_STEPS

    async def _grown(self, problem: Problem, services: Services, growth: Growth, state: _State) -> list[_State]:
        """The state with each of its next steps, valued."""
        grown = await growth.grow(problem, services, [state.thoughts])
        values = await together(value_of(problem, services, thoughts.text) for thoughts in grown)
        return [_State(thoughts, (*state.values, value)) for thoughts, value in zip(grown, values, strict=True)]

    def _promise(self, state: _State) -> float:
        """The value f = g + weight * h."""
        return AGGREGATES[self.aggregate](state.values) + self.weight * state.values[-1]
