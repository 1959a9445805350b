"""From a loaded model to a runner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lottery_plugins.backends.packed import support
from lottery_plugins.backends.packed.cache import CpuPool, LayerShape, bytes_per_position
from lottery_plugins.backends.packed.cpu import CpuExecutor
from lottery_plugins.backends.packed.cuda_build import build_cuda_runner
from lottery_plugins.backends.packed.groups import Groups
from lottery_plugins.backends.packed.linear import prepacked
from lottery_plugins.backends.packed.memory import available_bytes
from lottery_plugins.backends.packed.methods import cache_methods
from lottery_plugins.backends.packed.options import PackedOptions
from lottery_plugins.backends.packed.runner import PackedRunner
from lottery_plugins.backends.packed.threads import set_threads
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.kv_cache import KVPress, KVQuantizer

__all__ = ["build_runner"]

_CPU_STEP_TOKENS = 512  # benchmarks/packed_runner.py --steps: the fewest from which a token gets no cheaper
_MIN_BLOCKS = 8  # what the self-check uses, and room for one short request


def build_runner(
    model: Any,
    options: PackedOptions | None = None,
    press: KVPress | None = None,
    quantizer: KVQuantizer | None = None,
) -> PackedRunner:
    """Make a runner for a loaded model. The model object is not changed; its weights are shared.

    Args:
        model: A transformers causal model in eval mode, on one device.
        options: How to use the machine; None: the defaults.
        press: What drops cached positions in this run, if anything does.
        quantizer: What stores them in few bits, likewise.

    Raises:
        ConfigError: The model is not served, also under these methods, with the reason; or the cache is too small.
    """
    options = options or PackedOptions()
    set_threads(options.threads)
    support.check(model)
    devices = {tensor.device for tensor in model.parameters()}
    kinds = {device.type for device in devices}
    if len(devices) != 1 or not kinds <= {"cpu", "cuda"}:
        named = ", ".join(sorted(map(str, devices)))
        raise support.refusal(model, f"on {named}", "a model on the CPU or on one CUDA device")
    layers = support.layer_shapes(model)
    methods = cache_methods(model, layers, press, quantizer)
    if kinds == {"cuda"}:
        return build_cuda_runner(model, layers, options, methods)
    num_blocks = _num_blocks(layers, options, _cpu_budget())
    fast = model if options.prepack == "off" else prepacked(model, _bytes_for_prepack(options))[0]
    pool = CpuPool(layers, num_blocks, options.block_size)
    executor = CpuExecutor(fast, pool, layers, options.max_step_tokens or _CPU_STEP_TOKENS, Groups.of(methods))
    support.self_check(model, executor, options.block_size)
    limit = support.max_length(model)
    return PackedRunner(executor, layers, num_blocks, options, max_length=limit, methods=methods)


def _cpu_budget() -> float:
    return min(8e9, available_bytes() / 4)


def _bytes_for_prepack(options: PackedOptions) -> float:
    return float("inf") if options.prepack == "on" else available_bytes() / 2


def _num_blocks(layers: Sequence[LayerShape], options: PackedOptions, default_bytes: float) -> int:
    """Blocks that fit the budget.

    Raises:
        ConfigError: They are too few for anything.
    """
    size = default_bytes if options.kv_cache_gb is None else options.kv_cache_gb * 1e9
    of_block = bytes_per_position(layers) * options.block_size
    if size < _MIN_BLOCKS * of_block:
        allowed = f"at least {_MIN_BLOCKS * of_block / 1e9:.6f} for this model"
        raise ConfigError("engine: packed.kv_cache_gb", size / 1e9, allowed, "Give it more, or use engine=rounds.")
    return int(size // of_block)
