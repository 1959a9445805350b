"""Which trajectories may have their histories in the cache at the same time.

With room for all, none is held back. Once the history of a trajectory that is not over had to make room, as many may be
there as then were, so that they are finished instead of computed again in turn; when as many have ended without another
loss, one more may.
"""

from __future__ import annotations

import math
from collections import Counter

__all__ = ["Residents"]


class Residents:
    """Keeps count of trajectories by their rank. One whose history was evicted counts again when it goes on."""

    def __init__(self) -> None:
        self._here: set[int] = set()
        self._open: Counter[int] = Counter()  # sessions of each trajectory
        self._most: float = math.inf
        self._ended = 0  # since the last loss, or since the last time one more was let in

    def may_enter(self, rank: int) -> bool:
        """Whether a request of this trajectory may take blocks."""
        return rank in self._here or len(self._here) < self._most

    def enter(self, rank: int) -> None:
        """A request of the trajectory was given blocks."""
        self._here.add(rank)

    def open(self, rank: int) -> None:
        """A session of the trajectory was opened."""
        self._open[rank] += 1

    def close(self, rank: int) -> None:
        """A session of the trajectory was released; with its last one the trajectory is over."""
        self._open[rank] -= 1
        if self._open[rank] > 0:
            return
        del self._open[rank]
        if rank in self._here:
            self._here.discard(rank)
            self._ended += 1
            if self._ended > self._most:
                self._most += 1
                self._ended = 0

    def lose(self, rank: int) -> None:
        """A block of a trajectory that is not over was evicted."""
        if rank in self._here and rank in self._open:
            self._here.discard(rank)
            self._most = max(1, len(self._here))
            self._ended = 0
