"""Attention of a step over a paged cache: three kernels with one call, and the choice between them.

Which arguments torch's `varlen_attn` takes depends on its version, and which of them work on the flash kernel behind
it. So nothing is taken from a version number: the candidate is called on this device and compared with plain attention.

What was found out about the flash kernels (torch 2.13 and its issues):
- FlashAttention 2, the default: a block table needs blocks of a multiple of 256 positions and cumulative key lengths;
  several splits of the keys with a block table give wrong rows (pytorch issue 194167), so there is always one split.
- FlashAttention 3 and 4, where the user activated them: blocks of any size, and no cumulative key lengths.
- Rows of one query without a window are asked for as not causal, which is the same there: only then does
  FlashAttention 2 read keys once for all query heads that share them. So they come apart from rows of more queries.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch.nn import attention, functional

from lottery_plugins.backends.packed.paged_index import PagedIndex

__all__ = ["GatheredVarlen", "PagedKernel", "PagedVarlen", "PerSequence", "accepted", "flash_implementation"]

_FLASH_2 = ("FA2", None)


class PagedKernel(Protocol):
    """Attention over blocks."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    @property
    def block_size(self) -> int:
        """Positions a block that it works with."""
        ...

    @property
    def capturable(self) -> bool:
        """Whether a step may be captured in a CUDA graph: nothing depends on numbers of the host."""
        ...

    def __call__(
        self,
        query: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        index: PagedIndex,
        scaling: float | None,
        window: int | None,
    ) -> torch.Tensor:
        """Causal attention of each row over its own positions; the row's queries are the last of them.

        Args:
            query: (tokens, heads, head_dim).
            keys: (blocks, block_size, kv_heads, head_dim).
            values: Likewise.
            index: The step.
            scaling: Factor of the scores; None: head_dim ** -0.5.
            window: Positions a token sees, itself included; None: all before it.

        Returns:
            (tokens, heads, head_dim).
        """
        ...


def accepted(function: Callable[..., Any]) -> frozenset[str]:
    """Names of the arguments that a function takes."""
    return frozenset(inspect.signature(function).parameters)


def flash_implementation() -> str | None:
    """The flash implementation that was activated in torch; None is its own, FlashAttention 2."""
    current = getattr(attention, "current_flash_attention_impl", None)
    return current() if current is not None else None


def _window(window: int | None, one_query: bool) -> tuple[int, int]:
    """As flash kernels count: positions to the left of the query's own, and to its right; -1: all.

    A row's one query has nothing to its right, so nothing need be hidden there.
    """
    if window is None and one_query:
        return (-1, -1)
    return (-1 if window is None else window - 1, 0)


@dataclass(frozen=True, slots=True)
class PagedVarlen:
    """`varlen_attn` with a block table: nothing is moved.

    Args:
        varlen: torch.nn.attention.varlen.varlen_attn.
        implementation: What `flash_implementation` says.
        invariant: One split always, so that a row's result does not depend on the rows beside it. Slower where few
            rows have long contexts.
    """

    varlen: Callable[..., torch.Tensor]
    implementation: str | None = None
    invariant: bool = False
    name: ClassVar[str] = "varlen_attn with a block table"
    capturable: ClassVar[bool] = True

    @property
    def block_size(self) -> int:
        """Positions a block."""
        return 256 if self.implementation in _FLASH_2 else 128

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
        flash_2 = self.implementation in _FLASH_2
        return self.varlen(
            query,
            keys,
            values,
            index.starts,
            index.offsets if flash_2 else None,
            index.max_queries,
            index.max_length,
            scale=scaling,
            window_size=_window(window, index.max_queries == 1),
            enable_gqa=query.shape[1] != keys.shape[2],
            seqused_k=index.lengths,
            block_table=index.table,
            num_splits=1 if flash_2 or self.invariant else None,
        )


@dataclass(frozen=True, slots=True)
class GatheredVarlen:
    """`varlen_attn` of versions without a working block table: all keys and values are copied together in each layer.

    About three times the memory traffic of a paged kernel. Its sizes depend on the step, so it can't be captured.

    Args:
        varlen: torch.nn.attention.varlen.varlen_attn.
        takes: Names of the arguments that it takes; without window_size and scale it can't serve.
        invariant: As in `PagedVarlen`, where the version can be told so.
    """

    varlen: Callable[..., torch.Tensor]
    takes: frozenset[str]
    invariant: bool = False
    name: ClassVar[str] = "varlen_attn over gathered keys and values"
    block_size: ClassVar[int] = 64
    capturable: ClassVar[bool] = False

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
        assert index.host is not None
        slots = index.gather(keys.shape[1])
        options: dict[str, Any] = {"scale": scaling, "window_size": _window(window, index.max_queries == 1)}
        if "enable_gqa" in self.takes:
            options["enable_gqa"] = query.shape[1] != keys.shape[2]
        if "num_splits" in self.takes and self.invariant:
            options["num_splits"] = 1
        flat_keys, flat_values = (states.flatten(0, 1).index_select(0, slots) for states in (keys, values))
        longest = max(index.host.lengths)
        counts = (index.starts, index.offsets, index.max_queries, longest)
        return self.varlen(query, flat_keys, flat_values, *counts, **options)


@dataclass(frozen=True, slots=True)
class PerSequence:
    """Plain scaled-dot-product attention, one row after the other: any dtype and head size, and the measure for others.

    Args:
        block_size: Positions a block.
    """

    block_size: int = 64
    name: ClassVar[str] = "one sequence at a time"
    capturable: ClassVar[bool] = False

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
        assert index.host is not None
        slots, host = index.gather(keys.shape[1]), index.host
        flat_keys, flat_values = keys.flatten(0, 1), values.flatten(0, 1)
        groups = query.shape[1] // keys.shape[2]
        output = torch.empty(*query.shape[:2], values.shape[-1], dtype=query.dtype, device=query.device)
        for row, length in enumerate(host.lengths):
            (start, stop), first = host.span(row), host.offsets[row]
            mine = slots[first : first + length]
            seen, taken = (
                states.index_select(0, mine).repeat_interleave(groups, dim=1).transpose(0, 1)  # (heads, length, dim)
                for states in (flat_keys, flat_values)
            )
            mask = _mask(stop - start, length, window, query.device)
            one = functional.scaled_dot_product_attention(
                query[start:stop].transpose(0, 1)[None], seen[None], taken[None], attn_mask=mask, scale=scaling
            )
            output[start:stop] = one[0].transpose(0, 1)
        return output


def _mask(queries: int, length: int, window: int | None, device: torch.device) -> torch.Tensor | None:
    """(queries, length) bool: which positions each of the last `queries` positions sees; None: all."""
    if queries == 1 and (window is None or window >= length):
        return None
    own = torch.arange(length - queries, length, device=device)[:, None]
    seen = torch.arange(length, device=device)[None, :]
    mask = seen <= own
    return mask if window is None else mask & (seen > own - window)
