"""How a problem is answered from the solutions of its parts: `aggregate_solve`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from lottery_plugins.reasoners.algorithm import Node, Solution
from lottery_plugins.reasoners.parts.posing import found_by, with_known
from lottery_plugins.trajectory import Answer

__all__ = ["COMBINATIONS", "ask_model", "take_last"]


async def ask_model(
    solve_with_llm: Callable[[Node], Awaitable[Answer]], node: Node, solutions: Sequence[Solution]
) -> Answer:
    """Answer the problem with what the parts found before its prompt."""
    return await solve_with_llm(with_known(node, found_by(solutions)))


async def take_last(
    solve_with_llm: Callable[[Node], Awaitable[Answer]], node: Node, solutions: Sequence[Solution]
) -> Answer:
    """The answer of the last part, as least-to-most prompting does: its schedule ends with the problem itself."""
    return solutions[-1].answer


COMBINATIONS = {"model": ask_model, "last": take_last}
