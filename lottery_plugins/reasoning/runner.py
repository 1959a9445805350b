"""Solve many problems at once with one reasoner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from lottery_plugins.errors import LotteryError, PluginError, RunEndedError
from lottery_plugins.limits import BudgetExceededError, StopReason
from lottery_plugins.protocols.reasoner import Reasoner
from lottery_plugins.reasoning.facilities import Facilities
from lottery_plugins.reasoning.services import ProblemServices
from lottery_plugins.trajectory import Answer, Problem, Trajectory

__all__ = ["solve", "solve_all"]


async def solve_all(
    problems: Sequence[Problem],
    reasoner: Reasoner,
    facilities: Facilities,
    *,
    max_live: int,
    on_finished: Callable[[int, Trajectory], None] = lambda index, trajectory: None,
) -> list[Trajectory]:
    """Solve all problems; one that fails becomes a FAILED trajectory and its neighbours finish.

    A new problem is started only when a started one has ended, so that caches of few trajectories are alive at a time.

    Args:
        problems: In the order in which they are started.
        reasoner: Used by all of them; it holds no state.
        facilities: What the run offers.
        max_live: Most problems being worked on at once, at least 1.
        on_finished: Told of each trajectory the moment it ends, with the problem's index. What it raises ends the run.

    Returns:
        One trajectory per problem, in the order of the problems.

    Raises:
        asyncio.CancelledError, KeyboardInterrupt, RunEndedError: Handed on; `on_finished` has had all that were
            finished.
    """
    results: dict[int, Trajectory] = {}
    waiting = iter(enumerate(problems))
    workers = [
        asyncio.create_task(_work(waiting, reasoner, facilities, results, on_finished))
        for _ in range(min(max(1, max_live), len(problems)))
    ]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return [results[index] for index in range(len(problems))]


async def _work(
    waiting: Iterator[tuple[int, Problem]],
    reasoner: Reasoner,
    facilities: Facilities,
    results: dict[int, Trajectory],
    on_finished: Callable[[int, Trajectory], None],
) -> None:
    """Take the next waiting problem until none is left."""
    for index, problem in waiting:
        results[index] = await solve(problem, reasoner, facilities)
        on_finished(index, results[index])


async def solve(problem: Problem, reasoner: Reasoner, facilities: Facilities) -> Trajectory:
    """Solve one problem. Only cancellation, interrupts and the end of the run are raised; every other end is a
    trajectory.

    A spent budget that the reasoner did not handle itself leaves the answer empty: what the model wrote last need not
    be an answer, and a reasoner that has one returns it.
    """
    services: ProblemServices | None = None
    error = ""
    try:
        services = ProblemServices(problem, facilities)
        answer = _checked(await reasoner.solve(problem, services))
    except BudgetExceededError as spent:
        answer = Answer("", spent.reason)
    except RunEndedError:
        raise
    except LotteryError as failure:
        answer, error = Answer("", StopReason.FAILED), str(failure)
    except Exception as failure:  # noqa: BLE001 - one problem's failure must not end its neighbours; it is reported
        where = f"solving {problem.task}, document {problem.doc_id}"
        answer, error = Answer("", StopReason.FAILED), str(PluginError(f"reasoner {reasoner.name!r}", where, failure))
    finally:
        if services is not None:
            await services.close()
    return Trajectory(
        task=problem.task,
        doc_id=problem.doc_id,
        sample=problem.sample,
        answer=answer.text,
        stop_reason=answer.stop_reason,
        steps=services.steps if services else (),
        seconds=services.elapsed_s if services else 0.0,
        error=error,
    )


def _checked(answer: Answer) -> Answer:
    """The answer, if it is one.

    Raises:
        TypeError: It is not.
    """
    if not isinstance(answer, Answer) or not isinstance(answer.text, str):
        raise TypeError(f"solve returned {answer!r}, not an Answer with a text")
    return answer
