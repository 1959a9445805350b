"""Runners that stand before a model or in its place, to tell the engine's own time from the model's."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from lottery_plugins.protocols.runner import Held, Observed, Row, RowResult, Runner

__all__ = ["InstantRunner", "WatchedRunner"]


class InstantRunner:
    """Answers at once with tokens of no meaning: what is left is the engine's own time. Knows no torch."""

    block_size = 16
    max_length = 100_000

    def __init__(self, num_blocks: int, max_step_tokens: int, vocab_size: int) -> None:
        self.num_blocks, self.max_step_tokens = num_blocks, max_step_tokens
        self._vocab_size = vocab_size

    def begin(self, rows: Sequence[Row]) -> Callable[[], list[RowResult]]:
        size = self._vocab_size
        results = [RowResult((row.position * 7919 + row.ids[-1] * 31 + 1) % size) for row in rows]
        return lambda: results

    def copy(self, source: int, target: int, num_positions: int) -> None:
        pass

    def observer(self) -> Observed:
        raise NotImplementedError("no KV-cache method is measured here")

    def compress(self, source: Held, target: Held, observed: Observed | None) -> None:
        raise NotImplementedError("no KV-cache method is measured here")


class WatchedRunner:
    """Passes on to another runner, and notes what passes.

    Attributes:
        seconds: Spent in the runner.
        rows: Of each step.
        tokens: Of each step.
        most_blocks: Most different blocks that the rows of one step had in their tables.
        highest_block: Largest block number seen.
    """

    def __init__(self, runner: Runner, watch_blocks: bool = False) -> None:
        self._runner, self._watch_blocks = runner, watch_blocks
        self.block_size, self.num_blocks = runner.block_size, runner.num_blocks
        self.max_length = runner.max_length
        self.max_step_tokens = runner.max_step_tokens
        self.seconds = 0.0
        self.rows: list[int] = []
        self.tokens: list[int] = []
        self.most_blocks = self.highest_block = 0

    def begin(self, rows: Sequence[Row]) -> Callable[[], list[RowResult]]:
        self.rows.append(len(rows))
        self.tokens.append(sum(len(row.ids) for row in rows))
        if self._watch_blocks:
            used = {block for row in rows for block in row.blocks}
            self.most_blocks = max(self.most_blocks, len(used))
            self.highest_block = max(self.highest_block, max(used, default=0))
        collect = self._timed(self._runner.begin, rows)
        return lambda: self._timed(collect)

    def copy(self, source: int, target: int, num_positions: int) -> None:
        self._timed(self._runner.copy, source, target, num_positions)

    def observer(self) -> Observed:
        return self._runner.observer()

    def compress(self, source: Held, target: Held, observed: Observed | None) -> None:
        self._timed(self._runner.compress, source, target, observed)

    def _timed(self, work: Callable[..., Any], *arguments: Any) -> Any:
        started = time.perf_counter()
        try:
            return work(*arguments)
        finally:
            self.seconds += time.perf_counter() - started
