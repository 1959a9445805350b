"""Tree of thoughts as a division: the lines of thought that a search leaves are alternatives."""

from __future__ import annotations

from dataclasses import dataclass

from lottery_plugins.reasoners.algorithm import Node
from lottery_plugins.reasoners.chain_of_thought import conclude
from lottery_plugins.reasoners.parts.thoughts import Growth, search
from lottery_plugins.reasoners.schedules import Schedule, SubProblem
from lottery_plugins.trajectory import Answer

__all__ = ["ThoughtDivision"]


@dataclass(frozen=True)
class ThoughtDivision:
    """Searches a line of thought for the whole problem.

    Attributes:
        growth: How lines of thought grow.
        steps: Most steps of one.
        breadth: Lines of thought kept.
        evaluate: As for `search`.
    """

    growth: Growth
    steps: int
    breadth: int
    evaluate: str

    async def is_needed(self, node: Node) -> bool:
        """Only the whole problem is searched."""
        return not node.path

    async def schedule(self, node: Node) -> Schedule:
        """The lines of thought that the search leaves, best first, as alternatives."""
        found = await search(
            node.problem,
            node.services,
            self.growth,
            steps=self.steps,
            breadth=self.breadth,
            evaluate=self.evaluate,
        )
        lines = (SubProblem("", is_alternative=True, begun=thoughts.text) for thoughts in found.states)
        return Schedule(tuple(lines), spent=found.spent)

    async def conclude(self, node: Node) -> Answer:
        """The answer that a line of thought leads to."""
        return await conclude(node.problem, node.services, node.begun or "")
