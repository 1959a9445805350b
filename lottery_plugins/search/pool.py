"""One evaluator as a pool: one job at a time, in this process. And jobs that must all be done, on any pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lottery_plugins.errors import LotteryError
from lottery_plugins.search.measure import Evaluator, Job, Measured, Pool

__all__ = ["OneAtATime", "all_done"]


class OneAtATime:
    """Evaluates a job when it is waited for."""

    size = 1

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._job: Job | None = None

    def submit(self, job: Job) -> None:
        """See `Pool`."""
        assert self._job is None, "one job at a time"
        self._job = job

    def wait(self) -> tuple[Job, Measured | LotteryError]:
        """See `Pool`."""
        assert self._job is not None, "no job to wait for"
        job, self._job = self._job, None
        try:
            return job, self._evaluator.evaluate(job)
        except LotteryError as error:
            return job, error

    def close(self) -> None:
        """See `Pool`."""
        self._evaluator.close()


def all_done(jobs: Sequence[Job], pool: Pool) -> Iterator[tuple[Job, Measured]]:
    """Jobs with their outcomes as they come, as many in hand as the pool takes.

    Raises:
        LotteryError: One of them can't be run.
    """
    todo, in_hand = list(jobs), 0
    while todo or in_hand:
        while todo and in_hand < pool.size:
            pool.submit(todo.pop(0))
            in_hand += 1
        job, outcome = pool.wait()
        in_hand -= 1
        if isinstance(outcome, LotteryError):
            raise outcome
        yield job, outcome
