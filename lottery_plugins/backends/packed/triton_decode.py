"""Paged attention of rows of one token as a kernel of our own, where torch's `varlen_attn` takes no block table.

One program per row and key head reads that head's keys and values once, for all query heads that share them. Programs
know nothing of each other, so a row's result does not depend on the rows beside it. Imports triton: import it late.
"""

# ruff: noqa: ANN001 - the kernel's compiler takes no annotations but its own

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import triton
import triton.language as tl

from lottery_plugins.backends.packed.paged_index import PagedIndex
from lottery_plugins.backends.packed.varlen import PagedKernel

__all__ = ["TritonDecode"]

_TILE = 64  # positions read at a time
_ALL = 2**30  # a window that no sequence fills
_LEAST = 16  # rows of a matrix product on tensor cores: fewer query heads are filled up


def _decode(  # type: ignore[no-untyped-def]
    query,
    keys,
    values,
    output,
    table,
    lengths,
    scale,
    window,
    query_row,
    query_head,
    table_row,
    slot_size,
    group: tl.constexpr,
    group_rounded: tl.constexpr,
    dim: tl.constexpr,
    dim_rounded: tl.constexpr,
    block_size: tl.constexpr,
    tile: tl.constexpr,
    precision: tl.constexpr,
) -> None:
    """One row and key head. The output is contiguous, with the query's heads."""
    row, kv_head = tl.program_id(0), tl.program_id(1)
    kv_heads = tl.num_programs(1)
    heads, dims = tl.arange(0, group_rounded), tl.arange(0, dim_rounded)
    inside = (heads < group)[:, None] & (dims < dim)[None, :]
    own = (kv_head * group + heads)[:, None]
    asked = tl.load(query + row * query_row + own * query_head + dims[None, :], mask=inside, other=0.0)
    length = tl.load(lengths + row)
    first = tl.maximum(length - window, 0)
    highest = tl.full([group_rounded], float("-inf"), tl.float32)
    total = tl.zeros([group_rounded], tl.float32)
    mixed = tl.zeros([group_rounded, dim_rounded], tl.float32)
    for start in range(first // tile * tile, length, tile):
        position = start + tl.arange(0, tile)
        seen = (position < length) & (position >= first)
        block = tl.load(table + row * table_row + position // block_size, mask=seen, other=0).to(tl.int64)
        slot = block * block_size + position % block_size
        place = slot[:, None] * slot_size + kv_head * dim + dims[None, :]
        there = seen[:, None] & (dims < dim)[None, :]
        key = tl.load(keys + place, mask=there, other=0.0)
        scores = tl.dot(asked, tl.trans(key), input_precision=precision) * scale
        scores = tl.where(seen[None, :], scores, float("-inf"))
        now = tl.maximum(highest, tl.max(scores, 1))
        weights = tl.exp(scores - now[:, None])
        fading = tl.exp(highest - now)
        value = tl.load(values + place, mask=there, other=0.0)
        mixed = mixed * fading[:, None] + tl.dot(weights.to(value.dtype), value, input_precision=precision)
        total = total * fading + tl.sum(weights, 1)
        highest = now
    target = output + (row * kv_heads * group + own) * dim + dims[None, :]
    tl.store(target, (mixed / total[:, None]).to(output.dtype.element_ty), mask=inside)


_kernel = triton.jit(_decode)


@dataclass(frozen=True, slots=True)
class TritonDecode:
    """Rows of one token by the kernel here, longer ones by another one over the same cache.

    Args:
        others: For rows of more than one token.
    """

    others: PagedKernel
    name: ClassVar[str] = "a Triton kernel for rows of one token"
    capturable: ClassVar[bool] = True

    @property
    def block_size(self) -> int:
        """Positions a block."""
        return self.others.block_size

    def __call__(
        self,
        query: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        index: PagedIndex,
        scaling: float | None,
        window: int | None,
    ) -> torch.Tensor:
        """See `PagedKernel`."""
        if index.max_queries > 1:
            return self.others(query, keys, values, index, scaling, window)
        rows, heads, dim = query.shape
        _, block_size, kv_heads, _ = keys.shape
        query = query if query.stride(2) == 1 else query.contiguous()
        output = torch.empty(rows, heads, dim, dtype=query.dtype, device=query.device)
        group = heads // kv_heads
        _kernel[(rows, kv_heads)](
            query,
            keys,
            values,
            output,
            index.table,
            index.lengths,
            dim**-0.5 if scaling is None else scaling,
            _ALL if window is None else window,
            query.stride(0),
            query.stride(1),
            index.table.stride(0),
            keys.stride(1),
            group=group,
            group_rounded=max(_LEAST, triton.next_power_of_2(group)),
            dim=dim,
            dim_rounded=max(_LEAST, triton.next_power_of_2(dim)),
            block_size=block_size,
            tile=_TILE,
            precision="ieee" if query.dtype is torch.float32 else "tf32",
        )
        return output
