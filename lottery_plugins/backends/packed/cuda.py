"""Steps on a CUDA device: paged attention, decode steps by captured graphs, results by one wait.

All work goes to one stream, in order. Whatever is copied to the device comes from pinned memory, so that a step is
under way while the scheduler prepares what follows it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from lottery_plugins.backends.packed.attention import Attending, Plan
from lottery_plugins.backends.packed.compressed_plan import CompressedPlan
from lottery_plugins.backends.packed.graphs import Capture, DecodeGraphs, DecodeInputs, is_decode
from lottery_plugins.backends.packed.groups import Groups
from lottery_plugins.backends.packed.paged_cache import PagedPool
from lottery_plugins.backends.packed.paged_index import PagedIndex, host_index, paged_index, to_device
from lottery_plugins.backends.packed.readout import Readout, read_out
from lottery_plugins.backends.packed.steps import PackedStep, packed_step
from lottery_plugins.backends.packed.varlen import PagedKernel
from lottery_plugins.protocols.runner import Row, RowResult

__all__ = ["CudaExecutor", "CudaPlan", "on_device"]

logger = logging.getLogger(__name__)

_MAX_GRAPH_ROWS = 512
_LARGEST_ERROR = 0.15  # of the logits' standard deviation, between a replay and the same step without it


@dataclass(frozen=True, slots=True)
class CudaPlan:
    """Attention of one step in all layers.

    Args:
        pool: The cache.
        kernel: Attends.
        slots: Where the step's keys and values go, (tokens,) int64.
        parts: Rows that are attended together, in the order of the step.
    """

    pool: PagedPool
    kernel: PagedKernel
    slots: torch.Tensor
    parts: Sequence[PagedIndex]

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scaling: float | None,
        window: int | None,
    ) -> torch.Tensor:
        """Write keys and values into the pool, then attend over it. See `Plan.attend`."""
        queries, keys, values = (states[0].transpose(0, 1) for states in (query, key, value))
        self.pool.put(layer, self.slots, keys, values)
        states = self.pool.keys[layer], self.pool.values[layer]
        asked = queries.split([part.queries for part in self.parts])
        mixed = [self.kernel(q, *states, part, scaling, window) for q, part in zip(asked, self.parts, strict=True)]
        return (mixed[0] if len(mixed) == 1 else torch.cat(mixed))[None]


class CudaExecutor:
    """Carries out steps on one device.

    Args:
        model: A transformers causal model in eval mode, wholly on the pool's device.
        pool: The cache.
        kernel: Attends over it.
        max_step_tokens: See `Runner`.
        groups: How a quantized cache is encoded; None for none.

    Attributes:
        graphs: Captured decode steps; None until `use_graphs`.
    """

    def __init__(
        self, model: Any, pool: PagedPool, kernel: PagedKernel, max_step_tokens: int, groups: Groups | None = None
    ) -> None:
        self._groups = groups
        self.pool, self.max_step_tokens = pool, max_step_tokens
        self.graphs: DecodeGraphs | None = None
        self._model, self._kernel = model, kernel
        self._attending = Attending(model)
        self._device = pool.keys[0].device
        self._last: Readout | None = None

    def use_graphs(self, capture: Capture, max_length: int) -> None:
        """Capture decode steps from now on, after a trial of one; a trial that goes wrong is said.

        The trial writes to the pool's first three blocks, so it comes before anything is kept there.

        Args:
            capture: Makes graphs.
            max_length: Most positions of one sequence.
        """
        if not self._kernel.capturable:
            return
        blocks = -(-max_length // self.pool.block_size)
        inputs = DecodeInputs(_MAX_GRAPH_ROWS, blocks, self.pool.block_size, self.pool.scratch, self._device)
        self.graphs = DecodeGraphs(self._forward, inputs, capture)
        if not self._replays_rightly(self.graphs):
            logger.warning("engine: packed: replayed decode steps gave other logits; they run without CUDA graphs.")
            self.graphs = None
            self.free()

    def _replays_rightly(self, graphs: DecodeGraphs) -> bool:
        """Whether a replay gives what the step gives without it; also where nothing could be captured."""
        rows = [Row(ids=[1 + block], cached=0, position=0, blocks=[block], targets=[0]) for block in range(3)]
        step = self.pack(rows)
        with self._on_device(), torch.inference_mode():
            want = self._eager(step).float()
            outputs = None
            while outputs is None and graphs.usable:
                outputs = graphs.run(step)
            if outputs is None:
                return True
            error = (outputs[0][: len(rows)].float() - want).pow(2).mean(dim=-1).sqrt()
            return bool((error <= _LARGEST_ERROR * want.std(dim=-1)).all()) or not bool(want.isfinite().all())

    def pack(self, rows: Sequence[Row]) -> PackedStep:
        """Rows as one step: those with a layout last, those of one token first."""
        order = sorted(range(len(rows)), key=lambda i: (rows[i].layout is not None, len(rows[i].ids) > 1))
        return packed_step(rows, order, self.pool.block_size)

    def start(self, step: PackedStep) -> Callable[[], list[RowResult]]:
        """Start a step; the returned function waits for it. A step before it is over then."""
        if self._last is not None:
            self._last.wait()  # its numbers lie in memory that this step writes; over already unless nobody waited
        try:
            with self._on_device(), torch.inference_mode():
                self._last = self._launch(step)
        except torch.OutOfMemoryError:
            self.free()
            raise
        return self._last.results

    def logits(self, step: PackedStep) -> torch.Tensor:
        """The logits of a step's `keep`, (len(keep), vocabulary)."""
        with self._on_device(), torch.inference_mode():
            return self._eager(step)

    def free(self) -> None:
        """Give back what graphs and past steps hold on to."""
        if self.graphs is not None:
            self.graphs.release()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _launch(self, step: PackedStep) -> Readout:
        if self.graphs is not None and is_decode(step):
            outputs = self.graphs.run(step)
            if outputs is not None:
                return read_out(outputs[0], step, outputs[1])
        return read_out(self._eager(step), step)

    def _eager(self, step: PackedStep) -> torch.Tensor:
        tokens, kept = len(step.ids), len(step.keep)
        flat = to_device([*step.ids, *step.positions, *step.slots, *step.keep], torch.long, self._device)
        ids, positions, slots, keep = flat.split([tokens, tokens, tokens, kept])
        keep = 0 if kept == tokens else keep
        plan = self._plan(step.rows[: step.num_ordinary], slots[: step.starts[step.num_ordinary]])
        if step.is_plain and plan is not None:
            return self._forwarded(plan, ids, positions, keep)
        wide = CompressedPlan(plan, self.pool, step, self.pool.block_size, self._groups, self._device)
        logits = self._forwarded(wide, ids, positions, keep)
        wide.commit()
        return logits

    def _plan(self, rows: Sequence[Row], slots: torch.Tensor) -> CudaPlan | None:
        """Attention of ordinary rows; None where there are none."""
        size = self.pool.block_size
        singles = sum(len(row.ids) == 1 for row in rows)
        parts = [part for part in (rows[:singles], rows[singles:]) if part]
        indexes = [paged_index(host_index(part, size), self._device, size) for part in parts]
        return CudaPlan(self.pool, self._kernel, slots, indexes) if indexes else None

    def _forward(
        self,
        ids: torch.Tensor,
        positions: torch.Tensor,
        slots: torch.Tensor,
        parts: Sequence[PagedIndex],
    ) -> torch.Tensor:
        """Logits of all tokens of ordinary rows, (tokens, vocabulary)."""
        return self._forwarded(CudaPlan(self.pool, self._kernel, slots, parts), ids, positions, 0)

    def _forwarded(
        self, plan: Plan, ids: torch.Tensor, positions: torch.Tensor, keep: torch.Tensor | int
    ) -> torch.Tensor:
        """Logits of the tokens of `keep`, (kept, vocabulary); 0: of all."""
        with self._attending.through(plan):
            model = self._model
            logits: torch.Tensor = model(
                input_ids=ids[None], position_ids=positions[None], use_cache=False, logits_to_keep=keep
            ).logits[0]
            return logits

    def _on_device(self) -> AbstractContextManager[Any]:
        return on_device(self._device)


def on_device(device: torch.device) -> AbstractContextManager[Any]:
    """Makes a device the current one for the length of a `with` block: streams, graphs and Triton ask for that."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()
