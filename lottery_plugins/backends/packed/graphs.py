"""Decode steps as captured graphs: one launch in place of one per operation.

A graph is captured for a number of rows out of `BUCKETS`; a step uses the next larger one, and the rows that only fill
it up read and write the block that is nobody's. Whatever a graph reads lies in buffers that stay where they are: a
step copies its numbers there, then replays.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from lottery_plugins.backends.packed.paged_index import PagedIndex
from lottery_plugins.backends.packed.readout import greedy_tokens
from lottery_plugins.backends.packed.steps import PackedStep

__all__ = ["BUCKETS", "Capture", "Captured", "CudaCapture", "DecodeGraphs", "DecodeInputs", "is_decode"]

logger = logging.getLogger(__name__)

BUCKETS = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512)
_CAPTURE_AT = 3  # a capture costs about three steps: a number of rows that is passed through once is not worth one

Outputs = tuple[torch.Tensor, torch.Tensor]
"""Logits (rows, vocabulary) and the greedy tokens (rows,)."""

Forward = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, Sequence[PagedIndex]], torch.Tensor]
"""Ids, positions and slots, (rows,) each, and the index of all rows -> logits (rows, vocabulary)."""


class Captured(Protocol):
    """A captured run.

    Attributes:
        outputs: Where each replay puts what it computes.
    """

    outputs: Outputs

    def replay(self) -> None:
        """Compute again from what the inputs hold now. Does not wait."""
        ...

    def release(self) -> None:
        """Give its memory back."""
        ...


class Capture(Protocol):
    """Makes captured runs."""

    def __call__(self, run: Callable[[], Outputs]) -> Captured:
        """Warm up, then capture. Raises whatever the run or the device raises."""
        ...

    def reset(self) -> None:
        """All captured runs were released."""
        ...


def is_decode(step: PackedStep) -> bool:
    """Whether every row is plain, forwards one token and needs its logits."""
    return step.is_plain and len(step.ids) == len(step.rows) == len(step.keep)


class DecodeInputs:
    """Buffers that captured graphs read, for up to the largest bucket, and their pinned twins on the host.

    Args:
        max_rows: Rows of the largest graph.
        max_blocks: Blocks of the longest sequence.
        block_size: Positions a block.
        scratch: The block that is nobody's.
        device: Where.
    """

    def __init__(self, max_rows: int, max_blocks: int, block_size: int, scratch: int, device: torch.device) -> None:
        self.max_rows, self.max_blocks, self._block_size, self._scratch = max_rows, max_blocks, block_size, scratch
        pinned = device.type == "cuda"

        def twins(*size: int, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.zeros(size, dtype=dtype, pin_memory=pinned), torch.zeros(size, dtype=dtype, device=device)

        self._host_tokens, self.tokens = twins(3, max_rows, dtype=torch.long)  # ids, positions, slots
        self._host_lengths, self.lengths = twins(2, max_rows + 1, dtype=torch.int32)  # lengths, their sums
        self._host_table, self.table = twins(max_rows, max_blocks, dtype=torch.int32)
        self.starts = torch.arange(max_rows + 1, dtype=torch.int32, device=device)

    def fill(self, step: PackedStep, bucket: int) -> None:
        """Copy a decode step's numbers, filled up to `bucket` rows. On CUDA it does not wait."""
        rows, fillers = step.rows, bucket - len(step.rows)
        tokens, lengths, table = (t.numpy() for t in (self._host_tokens, self._host_lengths, self._host_table))
        tokens[0, :bucket] = step.ids + [0] * fillers
        tokens[1, :bucket] = step.positions + [0] * fillers
        tokens[2, :bucket] = step.slots + [self._scratch * self._block_size] * fillers
        lengths[0, :bucket] = [row.cached + 1 for row in rows] + [1] * fillers
        lengths[1, 0] = 0
        lengths[0, :bucket].cumsum(dtype="int32", out=lengths[1, 1 : bucket + 1])
        for index, row in enumerate(rows):
            blocks = row.blocks[: row.cached // self._block_size + 1]
            table[index, : len(blocks)] = blocks
        table[len(rows) : bucket, 0] = self._scratch
        self.tokens.copy_(self._host_tokens, non_blocking=True)
        self.lengths.copy_(self._host_lengths, non_blocking=True)
        self.table[:bucket].copy_(self._host_table[:bucket], non_blocking=True)

    def index(self, bucket: int) -> PagedIndex:
        """Views of the buffers for a bucket."""
        return PagedIndex(
            queries=bucket,
            starts=self.starts[: bucket + 1],
            lengths=self.lengths[0, :bucket],
            offsets=self.lengths[1, : bucket + 1],
            table=self.table[:bucket],
            max_queries=1,
            max_length=self.max_blocks * self._block_size,
        )


class DecodeGraphs:
    """Runs decode steps by replay where it can.

    A model that can't be captured is run without graphs from then on, which is said once.

    Args:
        forward: The model over the cache.
        inputs: Buffers.
        capture: Makes graphs.
    """

    def __init__(self, forward: Forward, inputs: DecodeInputs, capture: Capture) -> None:
        self._forward, self._inputs, self._capture = forward, inputs, capture
        self._buckets = [b for b in BUCKETS if b <= inputs.max_rows]
        self._wanted = dict.fromkeys(self._buckets, 0)
        self.captured: dict[int, Captured] = {}
        self.usable = True

    def bucket(self, rows: int) -> int | None:
        """The smallest bucket that holds so many rows; None: there is none."""
        at = bisect_left(self._buckets, rows)
        return self._buckets[at] if at < len(self._buckets) else None

    def run(self, step: PackedStep) -> Outputs | None:
        """Start a decode step; None: not by a graph, and nothing was done.

        What is returned has a row per row of the bucket and holds until the next replay.
        """
        bucket = self.bucket(len(step.rows))
        if not self.usable or bucket is None:
            return None
        graph = self.captured.get(bucket)
        if graph is None:
            self._wanted[bucket] += 1
            if self._wanted[bucket] < _CAPTURE_AT:
                return None
        self._inputs.fill(step, bucket)  # before a capture too: its warm-up runs the step itself
        graph = graph or self._captured(bucket)
        if graph is None:
            return None
        graph.replay()
        return graph.outputs

    def release(self) -> None:
        """Give up all graphs; they are captured again when they are wanted again."""
        for graph in self.captured.values():
            graph.release()
        self.captured.clear()
        self._capture.reset()
        self._wanted = dict.fromkeys(self._buckets, 0)

    def _captured(self, bucket: int) -> Captured | None:
        ids, positions, slots = self._inputs.tokens[:, :bucket]
        index = self._inputs.index(bucket)

        def run() -> Outputs:
            logits = self._forward(ids, positions, slots, [index])
            return logits, greedy_tokens(logits)

        try:
            graph = self._capture(run)
        except Exception as error:  # noqa: BLE001 - whatever a model does that can't be captured
            self.usable = False
            self.release()
            logger.warning(
                "engine: packed: this model's decode steps can't be captured as CUDA graphs (%s: %s). "
                "They run without: slower, and with the same tokens.",
                type(error).__name__,
                str(error).partition("\n")[0],
            )
            return None
        self.captured[bucket] = graph
        return graph


@dataclass(slots=True)
class _CudaGraph:
    graph: Any
    outputs: Outputs

    def replay(self) -> None:
        self.graph.replay()

    def release(self) -> None:
        self.graph.reset()


class CudaCapture:
    """Captures on a CUDA device; all graphs share one memory pool and one stream.

    Args:
        device: The device.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._pool: Any = None

    def __call__(self, run: Callable[[], Outputs]) -> Captured:
        """See `Capture`."""
        before = torch.cuda.current_stream(self._device)
        try:
            self._stream.wait_stream(before)
            with torch.cuda.stream(self._stream):
                for _ in range(2):  # libraries choose kernels and allocate workspaces on first use
                    run()
            before.wait_stream(self._stream)
            if self._pool is None:
                self._pool = torch.cuda.graph_pool_handle()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, self._pool, self._stream, capture_error_mode="thread_local"):
                outputs = run()
        except BaseException:
            torch.cuda.set_stream(before)  # a capture that fails at its end leaves its own stream as the current one
            torch.cuda.synchronize(self._device)
            raise
        return _CudaGraph(graph, outputs)

    def reset(self) -> None:
        """See `Capture`: the memory pool went with its last graph."""
        self._pool = None
