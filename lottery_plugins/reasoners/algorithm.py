"""Algorithm 1 of the lottery hypothesis, from which every named reasoning method follows by a choice of `Parts`.

A problem is solved with outside help, or by division, or by the model alone; then the answer is verified. Sub-problems
are solved by the same algorithm. This module knows the order of things and nothing of prompts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from lottery_plugins.limits import BudgetExceededError, StopReason
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.reasoners.attempts import attempt
from lottery_plugins.reasoners.schedules import Schedule, SubProblem, waves
from lottery_plugins.reasoning.branches import sub_problem, together
from lottery_plugins.trajectory import Answer, Problem

__all__ = [
    "Node",
    "Parts",
    "Select",
    "Solution",
    "Verify",
    "divide_and_conquer",
    "first_accepted",
    "judged",
    "solve",
]

SPENT = frozenset({StopReason.MAX_CALLS, StopReason.MAX_TOKENS, StopReason.MAX_SECONDS, StopReason.MAX_TOOL_CALLS})
UNJUDGED = Judgement(0.0, accepted=False, reason="The budget was spent before it could be judged.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A problem at its place in the tree of sub-problems.

    Attributes:
        problem: What is to be solved.
        services: What may be done for it.
        path: Numbers of the sub-problems that lead here, from 1; () for the whole problem.
        facts: What a sub-problem takes for granted and is shown wherever its question is: what the parts found that it
            needs, and the question of the whole problem; "" for the whole problem.
        begun: Reasoning that the solution begins with; None for none.
    """

    problem: Problem
    services: Services
    path: tuple[int, ...] = ()
    facts: str = ""
    begun: str | None = None

    @property
    def key(self) -> str:
        """Under which the solution is remembered."""
        return f"{'.'.join(map(str, self.path))} {self.problem.question}".strip()


@dataclass(frozen=True, slots=True)
class Solution:
    """An answer to a problem or sub-problem, and what the verifier thinks of it."""

    node: Node
    answer: Answer
    judgement: Judgement

    @property
    def is_final(self) -> bool:
        """Whether trying again is of no use: it was accepted, or the budget is spent."""
        return self.judgement.accepted or self.answer.stop_reason in SPENT

    def ended_by(self, spent: StopReason | None) -> Solution:
        """The same solution, with the limit that kept a better one from being found, if there is one."""
        return self if spent is None else replace(self, answer=replace(self.answer, stop_reason=spent))


Verify: TypeAlias = Callable[[Node, Answer], Awaitable[Judgement]]
"""How an answer is judged."""

Select: TypeAlias = Callable[[Sequence[Solution]], Solution]
"""How one of several solutions is chosen; at least one is given."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The named steps of the algorithm. Each may ask the model; each can be swapped.

    Attributes:
        can_use_external: Whether knowledge or tools would settle a problem directly.
        solve_with_external: Answers with their help.
        need_divide: Whether a problem is too big for one step. Must say no from some depth on.
        generate_schedule: Divides a problem; an empty schedule means that it can't be divided.
        pose: The sub-problem as a node of its own, given the solutions of the parts that it needs.
        store: Writes a solved sub-problem to the memory.
        aggregate_solve: Answers a problem from the solutions of its parts.
        solve_with_llm: Answers a problem in one go.
        verify_solution: Judges an answer.
        select_solution: Chooses among solutions of one problem.
        trials: Independent attempts at the whole problem.
        retries: More attempts at a sub-problem whose solution was not accepted.
        temperature: Of all attempts but the first, which goes by the task's settings.
    """

    can_use_external: Callable[[Node], Awaitable[bool]]
    solve_with_external: Callable[[Node], Awaitable[Answer]]
    need_divide: Callable[[Node], Awaitable[bool]]
    generate_schedule: Callable[[Node], Awaitable[Schedule]]
    pose: Callable[[Node, tuple[int, ...], SubProblem, Sequence[Solution]], Node]
    store: Callable[[Solution], None]
    aggregate_solve: Callable[[Node, Sequence[Solution]], Awaitable[Answer]]
    solve_with_llm: Callable[[Node], Awaitable[Answer]]
    verify_solution: Verify
    select_solution: Select
    trials: int = 1
    retries: int = 1
    temperature: float = 0.7


async def solve(problem: Problem, services: Services, parts: Parts) -> Answer:
    """Make all trials and choose among their answers. A spent budget leaves those that were finished."""
    trials = (
        divide_and_conquer(Node(problem=problem, services=attempt(services, t, parts.temperature, level=0)), parts)
        for t in range(parts.trials)
    )
    return (await _best_of(trials, parts.select_solution, until=lambda tried: False)).answer


async def divide_and_conquer(node: Node, parts: Parts) -> Solution:
    """Solve one problem or sub-problem."""
    verify = parts.verify_solution
    if await parts.can_use_external(node):
        return await judged(node, await parts.solve_with_external(node), verify)
    schedule = await parts.generate_schedule(node) if await parts.need_divide(node) else Schedule()
    if schedule.alternatives:
        solution = await first_accepted(
            (
                _solve_sub_problem(parts.pose(node, (*node.path, number), way, ()), parts)
                for number, way in enumerate(schedule.alternatives, 1)
            ),
            parts.select_solution,
        )
        solution = solution.ended_by(schedule.spent)
        if solution.is_final or not schedule.parts:
            return solution
    if schedule.parts:
        solutions = await _solve_parts(node, schedule, parts)
        return await judged(node, await parts.aggregate_solve(node, solutions), verify)
    return await judged(node, await parts.solve_with_llm(node), verify)


async def judged(node: Node, answer: Answer, verify: Verify) -> Solution:
    """The answer with its verification; one that can no longer be verified is kept, and its stop reason tells."""
    try:
        return Solution(node, answer, await verify(node, answer))
    except BudgetExceededError as spent:
        return Solution(node, answer, UNJUDGED).ended_by(spent.reason)


async def first_accepted(attempts: Iterable[Awaitable[Solution]], select: Select) -> Solution:
    """Try one after the other until a solution is accepted; else the best of all."""
    return await _best_of(attempts, select, until=lambda tried: tried.is_final)


async def _solve_parts(node: Node, schedule: Schedule, parts: Parts) -> list[Solution]:
    """Solve all parts of a schedule, those at once that do not need each other, in the order of the schedule.

    Raises:
        BudgetExceededError: It is spent, even when each part kept some answer: what is left out then depends on which
            part was quicker.
    """
    solved: dict[int, Solution] = {}
    for wave in waves(schedule.parts):
        posed = (
            parts.pose(node, (*node.path, i + 1), schedule.parts[i], [solved[n] for n in schedule.parts[i].needs])
            for i in wave
        )
        solutions = await together(_solve_sub_problem(sub, parts) for sub in posed)
        for solution in solutions:
            if solution.answer.stop_reason in SPENT:
                raise BudgetExceededError(solution.answer.stop_reason)
        solved |= zip(wave, solutions, strict=True)
    return [solved[i] for i in range(len(schedule.parts))]


async def _solve_sub_problem(node: Node, parts: Parts) -> Solution:
    """Solve a sub-problem, once more when that failed, and remember the solution."""
    attempts = (
        divide_and_conquer(
            replace(node, services=attempt(node.services, n, parts.temperature, level=len(node.path))), parts
        )
        for n in range(1 + parts.retries)
    )
    with sub_problem(node.path):
        solution = await first_accepted(attempts, parts.select_solution)
        parts.store(solution)
    return solution


async def _best_of(
    attempts: Iterable[Awaitable[Solution]], select: Select, *, until: Callable[[Solution], bool]
) -> Solution:
    """Make attempts in turn `until` one ends it, and choose. A spent budget ends the attempts, not what they gave.

    Raises:
        BudgetExceededError: It was spent before the first attempt gave anything.
    """
    tried: list[Solution] = []
    try:
        for each in attempts:
            tried.append(await each)
            if until(tried[-1]):
                break
    except BudgetExceededError as spent:
        if not tried:
            raise
        return select(tried).ended_by(spent.reason)
    chosen, last = select(tried), tried[-1].answer.stop_reason
    return chosen.ended_by(last) if last in SPENT else chosen
