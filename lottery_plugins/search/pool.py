"""One evaluator as a pool: one job at a time, in this process."""

from __future__ import annotations

from lottery_plugins.errors import LotteryError
from lottery_plugins.search.measure import Evaluator, Job, Measured

__all__ = ["OneAtATime"]


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
