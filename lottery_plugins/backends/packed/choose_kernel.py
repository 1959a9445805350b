"""Which attention kernel a device serves a model with. Found by trying, so it holds for versions not yet written."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from itertools import pairwise
from typing import Any, cast

import torch

from lottery_plugins.backends.packed.cache import LayerShape
from lottery_plugins.backends.packed.paged_cache import PagedPool
from lottery_plugins.backends.packed.paged_index import host_index, paged_index
from lottery_plugins.backends.packed.varlen import (
    GatheredVarlen,
    PagedKernel,
    PagedVarlen,
    PerSequence,
    accepted,
    flash_implementation,
)
from lottery_plugins.protocols.runner import Row

__all__ = ["choose_kernel", "fault"]

logger = logging.getLogger(__name__)

_SAID = "engine: packed: attention by %s, because: %s."
_FLASH_DTYPES = (torch.float16, torch.bfloat16)
_TOLERANCE = 2e-2  # largest difference of two ways to compute attention of normal numbers in bf16
_PAGED_NEEDS = {"block_table", "seqused_k", "num_splits", "enable_gqa", "window_size", "scale"}
_GATHERED_NEEDS = {"window_size", "scale"}


def choose_kernel(
    layers: Sequence[LayerShape], heads: int, device: torch.device, *, invariant: bool = False
) -> PagedKernel:
    """The first kernel that computes these layers' attention rightly on this device. Says why where it is not the best.

    Args:
        layers: Shapes of the layers.
        heads: Query heads.
        device: Where.
        invariant: Whether a row's result must not depend on the rows beside it.
    """
    shapes = sorted(set(layers), key=str)
    reasons: list[str] = []
    for kernel in _candidates(shapes, device, invariant, reasons):
        problem = next((p for shape in shapes if (p := fault(kernel, shape, _asking(heads, shape), device))), None)
        if problem is None:
            if reasons:
                logger.warning(_SAID, kernel.name, "; ".join(reasons))
            return kernel
        reasons.append(f"{kernel.name}: {problem}")
    logger.warning(_SAID, PerSequence.name, "; ".join(reasons))
    return PerSequence()


def _asking(heads: int, shape: LayerShape) -> int:
    """Query heads to try a layer with, where the config's number is that of other layers."""
    return heads if heads % shape.kv_heads == 0 else shape.kv_heads


def _candidates(
    shapes: Sequence[LayerShape], device: torch.device, invariant: bool, reasons: list[str]
) -> Iterator[PagedKernel]:
    """Kernels to try, the best first; for those left out a reason is appended."""
    unserved = [s for s in shapes if s.dtype not in _FLASH_DTYPES or s.head_dim % 8 or s.head_dim > 256]
    if unserved:
        shape = unserved[0]
        reasons.append(f"flash kernels take no {shape.dtype} with heads of {shape.head_dim}")
        return
    varlen = _varlen()
    takes = frozenset() if varlen is None else accepted(varlen)
    others: PagedKernel = PerSequence()
    if varlen is None or not takes >= _GATHERED_NEEDS:
        reasons.append(f"torch {torch.__version__} has no varlen_attn with window_size and scale")
    else:
        others = GatheredVarlen(varlen, takes, invariant)
        if takes >= _PAGED_NEEDS:
            yield PagedVarlen(varlen, flash_implementation(), invariant)
        else:
            missing = ", ".join(sorted(_PAGED_NEEDS - takes))
            reasons.append(f"varlen_attn of torch {torch.__version__} takes no {missing}; 2.13 does")
    if device.type == "cuda" and (decode := _decode_kernel(others)) is not None:
        yield decode
    yield others


def _varlen() -> Callable[..., Any] | None:
    """Torch's function; None where the version has none."""
    try:
        varlen = import_module("torch.nn.attention.varlen")
    except ImportError:
        return None
    return cast("Callable[..., Any]", varlen.varlen_attn)


def _decode_kernel(others: PagedKernel) -> PagedKernel | None:
    """Our own kernel; None where triton is not installed."""
    try:
        module = import_module("lottery_plugins.backends.packed.triton_decode")
    except ImportError:
        return None
    return cast("PagedKernel", module.TritonDecode(others))


def fault(kernel: PagedKernel, shape: LayerShape, heads: int, device: torch.device) -> str | None:
    """What is wrong with a kernel on this device: it raises, or differs from plain attention; None: nothing."""
    try:
        worst = max(_difference(kernel, shape, heads, device, lengths) for lengths in _TRIALS)
    except Exception as error:  # noqa: BLE001 - a kernel that can't be compiled raises its compiler's own kind
        return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return None if worst < _TOLERANCE else f"differs from plain attention by {worst:.2g}"


_TRIALS = (
    [(0, 1), (300, 1), (511, 1), (7, 1)],  # (cached, new) of each row: decoding
    [(0, 17), (300, 1), (250, 40)],  # a prompt, a decode row and a chunk that crosses a block's end
)


def _difference(
    kernel: PagedKernel, shape: LayerShape, heads: int, device: torch.device, lengths: Sequence[tuple[int, int]]
) -> float:
    """Largest difference from plain attention over random keys and values; infinite where one gives NaN."""
    per_row = [-(-(cached + new) // kernel.block_size) for cached, new in lengths]
    ends = [0]
    for count in per_row:
        ends.append(ends[-1] + count)
    shuffled = [block * 7 % ends[-1] if ends[-1] % 7 else block for block in range(ends[-1])]
    tables = [shuffled[first:last] for first, last in pairwise(ends)]
    rows = [
        Row(ids=[0] * new, cached=cached, position=cached, blocks=blocks)
        for (cached, new), blocks in zip(lengths, tables, strict=True)
    ]
    generator = torch.Generator().manual_seed(0)

    def normal(*size: int) -> torch.Tensor:
        return torch.randn(size, generator=generator).to(device, shape.dtype)

    pool = PagedPool([shape], ends[-1], kernel.block_size, device)
    for states in (pool.keys[0], pool.values[0]):
        states.copy_(normal(*states.shape))
    index = paged_index(host_index(rows, kernel.block_size), device, kernel.block_size)
    query = normal(index.queries, heads, shape.head_dim)
    with torch.inference_mode():
        got, want = (
            one(query, pool.keys[0], pool.values[0], index, None, shape.window).float()
            for one in (kernel, PerSequence(kernel.block_size))
        )
    return float((got - want).abs().max().nan_to_num(nan=torch.inf))
