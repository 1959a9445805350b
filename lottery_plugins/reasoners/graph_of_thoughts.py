"""`graph-of-thoughts`: several solutions are merged into one, and the merged one is refined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from lottery_plugins.limits import BudgetExceededError
from lottery_plugins.messages import replace_last_user
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.chain_of_thought import conclude, think
from lottery_plugins.reasoners.parts.values import value_of
from lottery_plugins.reasoners.prompts import load
from lottery_plugins.reasoners.sampling import finished
from lottery_plugins.reasoners.turns import check_at_least, check_temperature
from lottery_plugins.reasoning.branches import together
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["GraphOfThoughts"]


@dataclass(frozen=True, slots=True)
class _Scored:
    """A whole line of reasoning and its value."""

    thoughts: str
    value: float


@dataclass(frozen=True)
class GraphOfThoughts:
    """Generate solutions, score them, keep the best, merge these into one, refine it; then ask for the answer.

    The operations are those of the paper in the order of its examples. Solutions are scored by the run's verifier, or
    by the model itself where there is none. A merged or refined solution replaces what it was made of only when its
    score is as good. When the budget ends, the best solution so far is asked for its answer.

    Raises:
        ConfigError: If an option is out of range.

    Cost: `branches + 1 + refinements` reasonings, as many scores, and one completion for the answer.
    Deviation: the paper splits its tasks (sorting, set intersection) by programs of their own and scores them by
        programs; here the branches are whole solutions of any task.
    """

    name: ClassVar[str] = "graph-of-thoughts"
    summary: ClassVar[str] = "Write several solutions, merge the best of them into one and refine it."
    source: ClassVar[str] = "Besta et al. 2023, Graph of Thoughts, arXiv:2308.09687"
    needs: ClassVar[tuple[str, ...]] = ()

    branches: int = option(3, "solutions generated", allowed="1 or more")
    keep: int = option(2, "best solutions that are merged", allowed="1 or more")
    refinements: int = option(1, "rounds of refinement", allowed="0 or more")
    temperature: float = option(0.7, "of the branches", allowed="above 0")
    max_tokens: int = option(256, "longest solution", unit="tokens", allowed="1 or more")

    def __post_init__(self) -> None:
        for name in ("branches", "keep", "max_tokens"):
            check_at_least(1, f"{self.name}.{name}", getattr(self, name))
        check_at_least(0, f"{self.name}.refinements", self.refinements)
        check_temperature(f"{self.name}.temperature", self.temperature)

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Generate, score, keep, merge, refine, answer."""
        results, spent = await finished(
            think(problem, services, max_tokens=self.max_tokens, temperature=self.temperature, sample=i)
            for i in range(self.branches)
        )
        drafts = [draft for draft in results if draft is not None]
        best = _Scored(next(iter(drafts), ""), 0.0)
        try:
            if spent:
                raise BudgetExceededError(spent)
            scored = await together(_score(problem, services, draft) for draft in dict.fromkeys(drafts))
            kept = sorted(scored, key=lambda draft: -draft.value)[: self.keep]
            best = kept[0]
            if len(kept) > 1:
                best = _better(best, await self._rewritten(problem, services, "merge", kept))
            for _ in range(self.refinements):
                best = _better(best, await self._rewritten(problem, services, "refine", [best]))
        except BudgetExceededError as limit:
            return replace(await conclude(problem, services, best.thoughts), stop_reason=limit.reason)
        return await conclude(problem, services, best.thoughts)

    async def _rewritten(self, problem: Problem, services: Services, text: str, made_of: Sequence[_Scored]) -> _Scored:
        """A new solution, written with earlier ones before the prompt."""
        prompt = load(self.name)
        shown = "\n\n".join(
            prompt.fill("solution", number=str(number), thoughts=" ".join(draft.thoughts.split()))
            for number, draft in enumerate(made_of, 1)
        )
        messages = replace_last_user(problem.messages, prompt.fill(text, solutions=shown, prompt=problem.prompt))
        posed = replace(problem, messages=messages)
        return await _score(problem, services, await think(posed, services, max_tokens=self.max_tokens))


async def _score(problem: Problem, services: Services, thoughts: str) -> _Scored:
    return _Scored(thoughts, await value_of(problem, services, thoughts))


def _better(old: _Scored, new: _Scored) -> _Scored:
    """The new one, unless it is worse or blank."""
    return new if new.thoughts.strip() and new.value >= old.value else old
