"""Jobs that have arrived and do not run yet. They hold nothing of the cache."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable

from lottery_plugins.engine.jobs import Job

__all__ = ["WaitingJobs"]

_Heap = list[tuple[tuple[int, int], Job]]


class WaitingJobs:
    """A queue in the order of trajectories, then of arrival."""

    def __init__(self) -> None:
        self._arrived: _Heap = []
        self._outside: _Heap = []  # of trajectories for which there is no room yet
        self._parked: dict[int, list[Job]] = {}  # by the key of the block that they wait for

    def __len__(self) -> int:
        return len(self._arrived) + len(self._outside) + sum(map(len, self._parked.values()))

    def add(self, job: Job) -> None:
        """A job arrives, or comes back because it did not fit."""
        heapq.heappush(self._arrived, (job.order, job))

    def take(self, may_enter: Callable[[int], bool], *, is_idle: bool) -> Job | None:
        """The first job that may start; None where none may.

        Args:
            may_enter: Whether a trajectory may take room in the cache.
            is_idle: Nothing runs; then the first one starts whether it may or not.
        """
        while self._arrived:
            job = heapq.heappop(self._arrived)[1]
            if job.is_cancelled:
                continue
            if job.rank is None or may_enter(job.rank):
                return job
            heapq.heappush(self._outside, (job.order, job))
        while self._outside:
            job = self._outside[0][1]
            if not (job.is_cancelled or is_idle or job.rank is None or may_enter(job.rank)):
                return None
            heapq.heappop(self._outside)
            if not job.is_cancelled:
                return job
        return None

    def park(self, key: int, job: Job) -> None:
        """A job waits for a block that another one is computing."""
        self._parked.setdefault(key, []).append(job)

    def wake(self, keys: Iterable[int]) -> None:
        """These blocks are computed, or will not be."""
        for key in keys:
            for job in self._parked.pop(key, ()):
                self.add(job)

    def clear(self) -> list[Job]:
        """Take out all jobs."""
        jobs = [job for _, job in [*self._arrived, *self._outside]]
        jobs += [job for parked in self._parked.values() for job in parked]
        self._arrived, self._outside, self._parked = [], [], {}
        return jobs
