"""Which blocks of the cache are free. Prefers blocks that lie side by side: attention on a CPU then reads one view."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

__all__ = ["BlockPool"]


class BlockPool:
    """Hands out block numbers 0 .. num_blocks-1.

    Free blocks are kept as runs. A sequence that begins takes its blocks from the middle of the longest run, so that
    it finds free neighbours when it grows; whatever can't lie side by side is handed out in pieces.

    Args:
        num_blocks: Blocks of the cache, at least one.
    """

    def __init__(self, num_blocks: int) -> None:
        self.num_blocks = num_blocks
        self.num_free = num_blocks
        self._end_of: dict[int, int] = {}  # first block of a free run -> one behind its last
        self._start_of: dict[int, int] = {}
        self._by_length: list[tuple[int, int, int]] = []  # heap of (-length, start, end); runs that are gone stay in it
        self._add_run(0, num_blocks)

    def take(self, count: int, after: int | None = None) -> list[int]:
        """Take blocks, at most as many as are free.

        Args:
            count: How many.
            after: A block whose right-hand neighbours are wanted first.
        """
        if count > self.num_free:
            raise ValueError(f"{count} blocks asked for, {self.num_free} are free")
        taken: list[int] = []
        if after is not None and after + 1 in self._end_of:
            taken += self._cut(after + 1, after + 1, count)
        while len(taken) < count:
            start, end = self._longest()
            missing = count - len(taken)
            begin = start + (end - start - missing) // 2 if end - start > missing else start
            taken += self._cut(start, begin, missing)
        self.num_free -= count
        return taken

    def give_back(self, blocks: Iterable[int]) -> None:
        """Make blocks free again."""
        for block in blocks:
            self.num_free += 1
            start, end = block, block + 1
            if start in self._start_of:
                start = self._start_of.pop(start)
            if end in self._end_of:
                end = self._end_of.pop(end)
            self._add_run(start, end)

    def _add_run(self, start: int, end: int) -> None:
        self._end_of[start] = end
        self._start_of[end] = start
        heapq.heappush(self._by_length, (start - end, start, end))
        if len(self._by_length) > 8 * len(self._end_of) + 64:
            self._by_length = [(first - last, first, last) for first, last in self._end_of.items()]
            heapq.heapify(self._by_length)

    def _longest(self) -> tuple[int, int]:
        while True:
            _, start, end = self._by_length[0]
            if self._end_of.get(start) == end:
                return start, end
            heapq.heappop(self._by_length)

    def _cut(self, start: int, begin: int, count: int) -> list[int]:
        """Take up to `count` blocks from `begin` on out of the free run that starts at `start`."""
        end = self._end_of.pop(start)
        del self._start_of[end]
        stop = min(end, begin + count)
        for left, right in ((start, begin), (stop, end)):
            if left < right:
                self._add_run(left, right)
        return list(range(begin, stop))
