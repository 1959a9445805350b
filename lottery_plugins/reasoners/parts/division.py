"""Whether and how a problem is divided: `need_divide` and `generate_schedule`."""

from __future__ import annotations

from dataclasses import dataclass

from lottery_plugins.reasoners.algorithm import Node
from lottery_plugins.reasoners.parts.asking import case_turns, whole_list
from lottery_plugins.reasoners.prompts import load
from lottery_plugins.reasoners.ratings import says_yes
from lottery_plugins.reasoners.schedules import Schedule, parse_schedule

__all__ = ["ModelDivision", "never", "no_schedule"]

MAX_TOKENS = 192
"""Longest schedule."""


async def never(node: Node) -> bool:
    """No."""
    return False


async def no_schedule(node: Node) -> Schedule:
    """A problem that can't be divided."""
    return Schedule()


@dataclass(frozen=True)
class ModelDivision:
    """The model decides whether to divide and writes the schedule.

    Attributes:
        max_depth: Deepest level of sub-problems; a problem at that level is not divided.
        max_parts: Most sub-problems of a schedule.
    """

    max_depth: int
    max_parts: int

    async def is_allowed(self, node: Node) -> bool:
        """Yes, down to the deepest level."""
        return len(node.path) < self.max_depth

    async def is_needed(self, node: Node) -> bool:
        """Ask whether the problem takes several steps."""
        if not await self.is_allowed(node):
            return False
        prompt = load("need-divide")
        turns = case_turns(prompt, is_chat=node.problem.is_chat, facts=node.facts, question=node.problem.question)
        written = await node.services.generate(turns, purpose="divide?", max_tokens=8, stop=prompt.stop)
        return says_yes(written.text)

    async def schedule(self, node: Node) -> Schedule:
        """Ask for the sub-problems. One alone is the problem in other words, so it is no division."""
        prompt = load("schedule")
        turns = case_turns(prompt, is_chat=node.problem.is_chat, facts=node.facts, question=node.problem.question)
        written = await node.services.generate(turns, purpose="schedule", max_tokens=MAX_TOKENS, stop=prompt.stop)
        text = whole_list(prompt.texts["begin"], written.text)
        schedule = parse_schedule(text, max_items=self.max_parts, question=node.problem.question)
        return schedule if len(schedule.parts + schedule.alternatives) > 1 else Schedule()
