"""From a model on a CUDA device to a runner: a kernel found by trying, a largest step, and a cache of what is left."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from lottery_plugins.backends.packed import support
from lottery_plugins.backends.packed.cache import LayerShape, bytes_per_position
from lottery_plugins.backends.packed.choose_kernel import choose_kernel
from lottery_plugins.backends.packed.cuda import CudaExecutor, on_device
from lottery_plugins.backends.packed.graphs import CudaCapture
from lottery_plugins.backends.packed.groups import Groups
from lottery_plugins.backends.packed.options import PackedOptions
from lottery_plugins.backends.packed.paged_cache import PagedPool
from lottery_plugins.backends.packed.runner import PackedRunner
from lottery_plugins.backends.packed.varlen import PagedKernel
from lottery_plugins.engine.compression import CacheMethods
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.runner import Row

__all__ = ["blocks_that_fit", "build_cuda_runner", "largest_step"]

logger = logging.getLogger(__name__)

_STEP_TOKENS = 8192
_MIN_STEP_TOKENS = 256
_SHARE_OF_FREE = 0.85  # of the memory that is free after a largest step; the rest is for graphs and fragments
_MIN_BLOCKS = 8  # what the self-check uses, and room for one short request


def build_cuda_runner(
    model: Any, layers: Sequence[LayerShape], options: PackedOptions, methods: CacheMethods | None = None
) -> PackedRunner:
    """Make a runner for a model that is wholly on one CUDA device.

    Args:
        model: A transformers causal model in eval mode.
        layers: Shapes of its layers.
        options: How to use the device; its block size is the kernel's.
        methods: The KV-cache methods of this run, if there are any.

    Raises:
        ConfigError: The model is not served, with the reason; or the memory is too small.
    """
    with on_device(next(model.parameters()).device):
        return _built(model, layers, options, methods)


def _built(
    model: Any, layers: Sequence[LayerShape], options: PackedOptions, methods: CacheMethods | None
) -> PackedRunner:
    device = next(model.parameters()).device
    heads = model.config.get_text_config(decoder=True).num_attention_heads
    kernel = choose_kernel(layers, heads, device, invariant=options.batch_invariant)
    limit = support.max_length(model)
    tokens = _step_tokens(model, layers, kernel, options.max_step_tokens or _STEP_TOKENS, limit)
    budget = (options.kv_cache_gb or 0) * 1e9 or _SHARE_OF_FREE * torch.cuda.mem_get_info(device)[0]
    num_blocks = blocks_that_fit(int(budget), layers, kernel.block_size)
    pool = PagedPool(layers, num_blocks, kernel.block_size, device)
    executor = CudaExecutor(model, pool, kernel, tokens, Groups.of(methods))
    if limit is None or limit > 2 * kernel.block_size + 5:  # the length that it checks
        support.self_check(model, executor, kernel.block_size)
    options = replace(options, block_size=kernel.block_size, max_step_tokens=tokens)
    runner = PackedRunner(executor, layers, num_blocks, options, max_length=limit, methods=methods)
    if options.cuda_graphs:
        executor.use_graphs(CudaCapture(device), runner.max_length)
    return runner


def blocks_that_fit(num_bytes: int, layers: Sequence[LayerShape], block_size: int) -> int:
    """Blocks that may be handed out of so much memory; one more is needed beside them.

    Raises:
        ConfigError: They are too few for anything.
    """
    each = bytes_per_position(layers) * block_size
    blocks = num_bytes // each - 1
    if blocks < _MIN_BLOCKS:
        allowed = f"at least {(_MIN_BLOCKS + 1) * each / 1e9:.6f} for this model"
        hint = "Give it more, free memory on the device, or use engine=rounds."
        raise ConfigError("engine: packed.kv_cache_gb", num_bytes / 1e9, allowed, hint)
    return blocks


def _step_tokens(model: Any, layers: Sequence[LayerShape], kernel: PagedKernel, tokens: int, limit: int | None) -> int:
    """Halve a step's tokens until the largest step fits. Its memory is then taken before the cache's is."""
    device = next(model.parameters()).device
    while True:
        try:
            largest_step(model, layers, kernel, tokens, limit)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            if tokens <= _MIN_STEP_TOKENS:
                hint = "Use a smaller model, fewer bits, or a device with more memory."
                raise ConfigError("engine: packed", str(device), f"room for a step of {tokens} tokens", hint) from None
            logger.warning("engine: packed: steps of %d tokens don't fit %s; trying %d.", tokens, device, tokens // 2)
            tokens //= 2
        else:
            return tokens


def largest_step(model: Any, layers: Sequence[LayerShape], kernel: PagedKernel, tokens: int, limit: int | None) -> None:
    """Carry out a step of so many tokens, all of them scored, over a cache of its own."""
    device, size = next(model.parameters()).device, kernel.block_size
    rows, used, left = [], 0, tokens
    while left:
        length = min(left, limit or left)
        blocks = range(used, used + -(-length // size))
        rows.append(Row(ids=[0] * length, cached=0, position=0, blocks=blocks, targets=[0] * length))
        used, left = blocks.stop, left - length
    executor = CudaExecutor(model, PagedPool(layers, used, size, device), kernel, tokens)
    executor.start(executor.pack(rows))()
