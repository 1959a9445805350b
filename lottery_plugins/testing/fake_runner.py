"""A runner without a model: its cache holds token ids, and the next token is a hash of all that a row can see."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from lottery_plugins.protocols.runner import OutOfMemoryInStepError, Row, RowResult, UnusableOutputError

__all__ = ["FakeRunner", "next_token"]

Cell = tuple[int, int]
"""A cached token and its position in the text."""


def next_token(seen: Sequence[Cell], vocabulary: int, salt: int = 0) -> int:
    """The token that follows cached cells; differs as soon as one of them does."""
    text = ",".join(f"{token}@{position}" for token, position in seen) + f"#{salt}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "little") % vocabulary


class FakeRunner:
    """A `protocols.runner.Runner` on a list: a wrong block, position or token anywhere changes what is drawn.

    Args:
        num_blocks: Blocks of the cache.
        block_size: Positions a block.
        max_step_tokens: What it reports.
        vocabulary: Tokens are below it.
        max_length: Most positions of a sequence.
        fits: Most tokens of a step; more is out of memory.

    Attributes:
        steps: The rows of each step.
        nan_at: A token id; the step that forwards it gives NaN.
    """

    def __init__(
        self,
        num_blocks: int = 64,
        block_size: int = 4,
        max_step_tokens: int = 64,
        vocabulary: int = 97,
        max_length: int = 10_000,
        fits: int = 10_000,
    ) -> None:
        self.num_blocks, self.block_size, self.max_length = num_blocks, block_size, max_length
        self.max_step_tokens, self._vocabulary, self._fits = max_step_tokens, vocabulary, fits
        self._cells: list[Cell | None] = [None] * (num_blocks * block_size)
        self.steps: list[list[Row]] = []
        self.nan_at: int | None = None

    @property
    def forwarded(self) -> int:
        """Tokens of all steps."""
        return sum(len(row.ids) for rows in self.steps for row in rows)

    def begin(self, rows: Sequence[Row]) -> Callable[[], list[RowResult]]:
        """Write the rows' tokens to the cache, then draw."""
        if sum(len(row.ids) for row in rows) > self._fits:
            raise OutOfMemoryInStepError
        if not all(row.ids for row in rows):
            raise AssertionError("a row without a token")
        self.steps.append(list(rows))
        written = [self._slot(row, row.cached + i) for row in rows for i in range(len(row.ids))]
        if len(set(written)) != len(written):
            raise AssertionError("two rows write to one position")
        for row in rows:
            for i, token in enumerate(row.ids):
                self._cells[self._slot(row, row.cached + i)] = (token, row.position + i)
        bad = next((i for i, row in enumerate(rows) if self.nan_at in row.ids), None)

        def collect() -> list[RowResult]:
            if bad is not None:
                raise UnusableOutputError(bad)
            return [self._result(row) for row in rows]

        return collect

    def copy(self, source: int, target: int, num_positions: int) -> None:
        """Copy cells."""
        size = self.block_size
        self._cells[target * size : target * size + num_positions] = self._cells[
            source * size : source * size + num_positions
        ]

    def compress(self, blocks: Sequence[int], cached: int, keep: int, into: Sequence[int]) -> None:
        """Keep the cells of the largest hashes."""
        size = self.block_size
        cells = [self._cells[blocks[i // size] * size + i % size] for i in range(cached)]
        best = sorted(range(cached), key=lambda i: (hash(cells[i]), -i))[cached - keep :]
        for i, kept in enumerate(sorted(best)):
            self._cells[into[i // size] * size + i % size] = cells[kept]

    def _slot(self, row: Row, position: int) -> int:
        return row.blocks[position // self.block_size] * self.block_size + position % self.block_size

    def _seen(self, row: Row, length: int) -> list[Cell]:
        cells = [self._cells[self._slot(row, i)] for i in range(length)]
        if None in cells:
            raise AssertionError("a row reads a position that nobody wrote")
        return [cell for cell in cells if cell is not None]

    def _result(self, row: Row) -> RowResult:
        length = row.cached + len(row.ids)
        logprobs, greedy = [], True
        for i, target in enumerate(row.targets):
            drawn = next_token(self._seen(row, length - len(row.targets) + i + 1), self._vocabulary)
            greedy = greedy and drawn == target
            logprobs.append(-1.0 - drawn - target / 100)
        token = None
        if row.params is not None:
            salt = hash((row.draw_seed, row.draw_index)) if row.params.do_sample else 0
            token = next_token(self._seen(row, length), self._vocabulary, salt)
        return RowResult(token, tuple(logprobs), greedy)
