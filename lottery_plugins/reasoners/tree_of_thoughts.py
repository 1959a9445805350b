"""`tree-of-thoughts`: search among several lines of thought, a step at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.algorithm import Node, Solution, first_accepted, judged
from lottery_plugins.reasoners.chain_of_thought import conclude
from lottery_plugins.reasoners.parts.thoughts import EVALUATIONS, PROPOSALS, Growth, Thoughts, search
from lottery_plugins.reasoners.parts.verification import ask_verifier, select
from lottery_plugins.reasoners.turns import check_at_least, check_one_of, check_temperature
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["TreeOfThoughts"]


@dataclass(frozen=True)
class TreeOfThoughts:
    """Breadth-first search over steps of reasoning; then the answer is asked for.

    Each level proposes next steps for every kept state, evaluates the new states, and keeps the best. The states that
    are left are alternatives (an OR node): the best is asked for its answer, and when the run has a verifier that does
    not accept it, the next one is. When the budget ends the search, the best states so far are asked.

    Raises:
        ConfigError: If an option is out of range.

    Cost: with the defaults at most 30 completions for the search, and one per answer asked for.
    Deviation: a thought is one line whatever the task, where the paper has a form for each; a state is rated once, on
        a scale of 1 to 10, where the paper draws three ratings in words.
    """

    name: ClassVar[str] = "tree-of-thoughts"
    summary: ClassVar[str] = "Search among several lines of thought, keeping the most promising at each step."
    source: ClassVar[str] = "Yao et al. 2023, Tree of Thoughts, arXiv:2305.10601"
    needs: ClassVar[tuple[str, ...]] = ()

    steps: int = option(3, "most steps of a line of thought", allowed="1 or more")
    breadth: int = option(2, "lines of thought kept at each step", allowed="1 or more")
    candidates: int = option(3, "next steps proposed for each line of thought", allowed="1 or more")
    propose: str = option(
        "sample", "draw next steps one by one, or let one completion list them", allowed="sample or list"
    )
    evaluate: str = option("value", "rate each line of thought, or vote among all", allowed="value or vote")
    votes: int = option(3, "completions per vote", allowed="1 or more")
    temperature: float = option(0.7, "of drawn steps and of votes", allowed="above 0")
    max_tokens: int = option(64, "longest step", unit="tokens", allowed="1 or more")

    def __post_init__(self) -> None:
        for name in ("steps", "breadth", "candidates", "votes", "max_tokens"):
            check_at_least(1, f"{self.name}.{name}", getattr(self, name))
        check_one_of(PROPOSALS, f"{self.name}.propose", self.propose)
        check_one_of(EVALUATIONS, f"{self.name}.evaluate", self.evaluate)
        check_temperature(f"{self.name}.temperature", self.temperature)

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Search, then ask the best lines of thought for their answer until one is accepted."""
        growth = Growth(self.candidates, self.propose, self.temperature, self.max_tokens)
        found = await search(
            problem,
            services,
            growth,
            steps=self.steps,
            breadth=self.breadth,
            evaluate=self.evaluate,
            votes=self.votes,
        )
        node = Node(problem=problem, services=services)
        solution = await first_accepted((_concluded(node, thoughts) for thoughts in found.states), select)
        return solution.ended_by(found.spent).answer


async def _concluded(node: Node, thoughts: Thoughts) -> Solution:
    """The answer that a line of thought leads to, and its verification."""
    return await judged(node, await conclude(node.problem, node.services, thoughts.text), ask_verifier)
