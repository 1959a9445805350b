"""`direct`: the model answers by itself. The plain arm of every comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["Direct"]


@dataclass(frozen=True)
class Direct:
    """One completion with the task's own turns and settings; its text is the answer, unchanged."""

    name: ClassVar[str] = "direct"
    summary: ClassVar[str] = "One completion with the task's own prompt; no help of any kind."
    needs: ClassVar[tuple[str, ...]] = ()

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Ask once."""
        completion = await services.generate(problem.messages, purpose="answer")
        return Answer(completion.text)
