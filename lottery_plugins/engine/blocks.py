"""Which blocks of the cache are free. Prefers blocks that lie side by side: attention on a CPU then reads one view."""

from __future__ import annotations

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
        self._end_of = {0: num_blocks}  # first block of a free run -> one behind its last
        self._start_of = {num_blocks: 0}

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
            start, end = max(self._end_of.items(), key=lambda run: run[1] - run[0])
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
            self._end_of[start] = end
            self._start_of[end] = start

    def _cut(self, start: int, begin: int, count: int) -> list[int]:
        """Take up to `count` blocks from `begin` on out of the free run that starts at `start`."""
        end = self._end_of.pop(start)
        del self._start_of[end]
        stop = min(end, begin + count)
        for left, right in ((start, begin), (stop, end)):
            if left < right:
                self._end_of[left] = right
                self._start_of[right] = left
        return list(range(begin, stop))
