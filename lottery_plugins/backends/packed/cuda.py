"""Steps on a CUDA device: paged attention, decode steps by captured graphs, results by one wait.

All work goes to one stream, in order. Whatever is copied to the device comes from pinned memory, so that a step is
under way while the scheduler prepares what follows it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch

from lottery_plugins.backends.packed.attention import Attending
from lottery_plugins.backends.packed.cache import LayerShape, bytes_per_position
from lottery_plugins.backends.packed.choose_kernel import choose_kernel
from lottery_plugins.backends.packed.graphs import Capture, CudaCapture, DecodeGraphs, DecodeInputs, is_decode
from lottery_plugins.backends.packed.paged_cache import PagedPool
from lottery_plugins.backends.packed.paged_index import PagedIndex, host_index, paged_index, to_device
from lottery_plugins.backends.packed.readout import Readout, read_out
from lottery_plugins.backends.packed.steps import PackedStep, packed_step
from lottery_plugins.backends.packed.varlen import PagedKernel
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.runner import Row, RowResult

__all__ = ["CudaExecutor", "CudaOptions", "CudaPlan", "blocks_that_fit", "cuda_executor"]

logger = logging.getLogger(__name__)

_SHARE_OF_FREE = 0.85  # of the memory that is free after a largest step; the rest is for graphs and fragments
_MIN_STEP_TOKENS = 256
_MAX_GRAPH_ROWS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaOptions:
    """How to serve a model on a device.

    Attributes:
        max_length: Most positions of one sequence.
        kv_cache_bytes: Memory for keys and values; None: what is free, less a reserve.
        max_step_tokens: Tokens of one step beyond which a step gets no cheaper per token.
        batch_invariant: Whether attention of a row must not depend on the rows beside it, to the bit. Matrix products
            still choose their kernel by the number of rows.
        graphs: Whether decode steps are captured.
    """

    max_length: int
    kv_cache_bytes: int | None = None
    max_step_tokens: int = 8192
    batch_invariant: bool = False
    graphs: bool = True


@dataclass(frozen=True, slots=True)
class CudaPlan:
    """Attention of one step in all layers.

    Args:
        pool: The cache.
        kernel: Attends.
        index: The step.
    """

    pool: PagedPool
    kernel: PagedKernel
    index: PagedIndex

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
        self.pool.put(layer, self.index.slots, keys, values)
        return self.kernel(queries, self.pool.keys[layer], self.pool.values[layer], self.index, scaling, window)[None]


class CudaExecutor:
    """Carries out steps on one device. Made by `cuda_executor`.

    Args:
        model: A transformers causal model in eval mode, wholly on the pool's device.
        pool: The cache.
        kernel: Attends over it.
        options: How.
        capture: Makes graphs; None: no graphs.
    """

    prefers_runs = False

    def __init__(
        self, model: Any, pool: PagedPool, kernel: PagedKernel, options: CudaOptions, capture: Capture | None = None
    ) -> None:
        self.pool, self.max_step_tokens = pool, options.max_step_tokens
        self.graphs: DecodeGraphs | None = None
        self._model, self._kernel = model, kernel
        self._attending = Attending(model)
        self._device = pool.keys[0].device
        self._last: Readout | None = None
        if capture is not None and kernel.capturable:
            max_blocks = -(-options.max_length // pool.block_size)
            inputs = DecodeInputs(_MAX_GRAPH_ROWS, max_blocks, pool.block_size, pool.scratch, self._device)
            self.graphs = DecodeGraphs(self._forward, inputs, capture)

    def pack(self, rows: Sequence[Row]) -> PackedStep:
        """Rows as one step, as they come."""
        return packed_step(rows, range(len(rows)), self.pool.block_size)

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
        index = paged_index(host_index(step.rows, self.pool.block_size), slots, self.pool.block_size)
        return self._forward(ids[None], positions[None], index, 0 if kept == tokens else keep)

    def _forward(
        self, ids: torch.Tensor, positions: torch.Tensor, index: PagedIndex, keep: torch.Tensor | int = 0
    ) -> torch.Tensor:
        """Logits of the tokens of `keep`, (kept, vocabulary); 0: of all."""
        with self._attending.through(CudaPlan(self.pool, self._kernel, index)):
            return self._model(input_ids=ids, position_ids=positions, use_cache=False, logits_to_keep=keep).logits[0]

    def _on_device(self) -> AbstractContextManager[Any]:
        return torch.cuda.device(self._device) if self._device.type == "cuda" else nullcontext()


def blocks_that_fit(num_bytes: int, layers: Sequence[LayerShape], block_size: int) -> int:
    """Blocks that may be handed out of so much memory; one more is needed beside them.

    Raises:
        ConfigError: Not even one.
    """
    each = bytes_per_position(layers) * block_size
    blocks = num_bytes // each - 1
    if blocks < 1:
        hint = "Use a smaller model, fewer bits, or a device with more memory."
        raise ConfigError("engine: packed", f"{num_bytes} bytes for the KV cache", f"at least {2 * each} bytes", hint)
    return int(blocks)


def cuda_executor(model: Any, layers: Sequence[LayerShape], options: CudaOptions) -> CudaExecutor:
    """Choose a kernel, measure what a largest step needs, and give the cache what is left.

    Args:
        model: A transformers causal model in eval mode, wholly on one CUDA device.
        layers: Shapes of its layers.
        options: How to serve it. `max_step_tokens` is halved until a step of so many fits, which is said.

    Raises:
        ConfigError: There is no memory for a cache.
    """
    device = next(model.parameters()).device
    heads = model.config.get_text_config().num_attention_heads
    kernel = choose_kernel(layers, heads, device, invariant=options.batch_invariant)
    options = _warmed_up(model, layers, kernel, options)
    budget = options.kv_cache_bytes
    if budget is None:
        budget = int(_SHARE_OF_FREE * torch.cuda.mem_get_info(device)[0])
    pool = PagedPool(layers, blocks_that_fit(budget, layers, kernel.block_size), kernel.block_size, device)
    return CudaExecutor(model, pool, kernel, options, CudaCapture(device) if options.graphs else None)


def _warmed_up(model: Any, layers: Sequence[LayerShape], kernel: PagedKernel, options: CudaOptions) -> CudaOptions:
    """Carry out a largest step, of rows that are scored wholly, so that its memory is taken before the cache's is."""
    device, tokens = next(model.parameters()).device, options.max_step_tokens
    while True:
        try:
            _largest_step(model, layers, kernel, options, tokens)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            if tokens <= _MIN_STEP_TOKENS:
                hint = "Use a smaller model, fewer bits, or a device with more memory."
                raise ConfigError("engine: packed", str(device), f"room for a step of {tokens} tokens", hint) from None
            tokens //= 2
            logger.warning("engine: packed: steps of %d tokens don't fit %s; using %d.", 2 * tokens, device, tokens)
            continue
        torch.cuda.synchronize(device)
        return replace(options, max_step_tokens=tokens)


def _largest_step(
    model: Any, layers: Sequence[LayerShape], kernel: PagedKernel, options: CudaOptions, tokens: int
) -> None:
    device, size = next(model.parameters()).device, kernel.block_size
    rows, used, left = [], 0, tokens
    while left:
        length = min(left, options.max_length)
        blocks = range(used, used + -(-length // size))
        rows.append(Row(ids=[0] * length, cached=0, position=0, blocks=blocks, targets=[0] * length))
        used, left = blocks.stop, left - length
    executor = CudaExecutor(model, PagedPool(layers, used, size, device), kernel, options)
    executor.start(executor.pack(rows))()
