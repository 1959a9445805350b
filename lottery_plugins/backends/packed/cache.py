"""The cache of a packed runner: keys and values of all layers in blocks, made once.

A slot is a place of one position: slot = block * block_size + offset. Layers may differ in heads and sizes.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch

__all__ = ["CpuPool", "KVPool", "LayerShape", "bytes_per_position", "slots"]


@dataclass(frozen=True, slots=True)
class LayerShape:
    """What one layer keeps.

    Attributes:
        kv_heads: Heads of the keys and values.
        head_dim: Size of each.
        dtype: Of the keys and values.
        window: Positions a token sees, itself included; None: all.
        heads: Heads of the queries.
        scaling: Factor of the scores; None: head_dim ** -0.5.
    """

    kv_heads: int
    head_dim: int
    dtype: torch.dtype
    window: int | None = None
    heads: int = field(default=0, compare=False)
    scaling: float | None = field(default=None, compare=False)


class KVPool(Protocol):
    """Keys and values of all positions of all blocks. Plans read and write the tensors; others use these methods."""

    def read(self, layer: int, slots: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Copies of the keys and the values at these slots, each (kv_heads, len(slots), head_dim)."""
        ...

    def write(self, layer: int, slots: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Put keys and values of (kv_heads, len(slots), head_dim) at these slots."""
        ...

    def copy_block(self, source: int, target: int, num_positions: int) -> None:
        """Copy the first positions of a block into another one, in all layers."""
        ...


def bytes_per_position(layers: Sequence[LayerShape]) -> int:
    """Bytes of one position in all layers, keys and values."""
    return sum(2 * shape.kv_heads * shape.head_dim * shape.dtype.itemsize for shape in layers)


def slots(blocks: Sequence[int], start: int, stop: int, block_size: int) -> list[int]:
    """Slots of the positions [start, stop) of a block table."""
    return [blocks[p // block_size] * block_size + p % block_size for p in range(start, stop)]


class CpuPool:
    """Keys and values of each layer as (kv_heads, num_blocks * block_size, head_dim): blocks side by side are one view.

    Layers of one shape lie in one tensor, so that one call makes the views of all of them. The memory is taken by the
    system as it is first written; until then it is zero, so that what is read and masked is finite.

    Args:
        layers: One shape per layer.
        num_blocks: Blocks.
        block_size: Positions a block.

    Attributes:
        num_slots: Positions of all blocks.
        is_finite: Whether all that lies there are finite numbers; no longer so once encoded groups come there.
        keys: Per layer (kv_heads, num_slots, head_dim).
        values: Likewise.
    """

    def __init__(self, layers: Sequence[LayerShape], num_blocks: int, block_size: int) -> None:
        self.block_size = block_size
        self.num_slots = num_blocks * block_size
        self.is_finite = True
        alike: dict[tuple[int, int, torch.dtype], list[int]] = {}
        for layer, shape in enumerate(layers):
            alike.setdefault((shape.kv_heads, shape.head_dim, shape.dtype), []).append(layer)
        self._stacks = []
        at = {}
        for (kv_heads, head_dim, dtype), members in alike.items():
            size = (2, len(members), 1, kv_heads, num_blocks * block_size, head_dim)
            stack = _zeros(size, dtype)
            self._stacks.append((members, stack))
            at.update({layer: stack[:, i, 0] for i, layer in enumerate(members)})
        self.keys = [at[layer][0] for layer in range(len(layers))]
        self.values = [at[layer][1] for layer in range(len(layers))]

    def views(self, start: int, stop: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Keys and values of these slots in each layer, both (1, kv_heads, stop - start, head_dim)."""
        found = [(torch.empty(0), torch.empty(0))] * len(self.keys)
        for members, stack in self._stacks:
            part = stack[..., start:stop, :]
            for layer, keys, values in zip(members, part[0].unbind(), part[1].unbind(), strict=True):
                found[layer] = (keys, values)
        return found

    def paired_views(self, starts: tuple[int, int], length: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Keys and values of two stretches in each layer, both (2, kv_heads, length, head_dim).

        Args:
            starts: First slots, the lower one first.
            length: Of both; the stretches lie within the pool.
        """
        found = [(torch.empty(0), torch.empty(0))] * len(self.keys)
        for members, stack in self._stacks:
            part = stack[..., starts[0] : starts[0] + length, :]
            size, steps = [*part.shape], [*part.stride()]
            size[2], steps[2] = 2, (starts[1] - starts[0]) * part.shape[-1]
            both = part.as_strided(size, steps)
            for layer, keys, values in zip(members, both[0].unbind(), both[1].unbind(), strict=True):
                found[layer] = (keys, values)
        return found

    def read(self, layer: int, slots: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Copies of the keys and the values at these slots, each (kv_heads, len(slots), head_dim)."""
        return self.keys[layer].index_select(1, slots), self.values[layer].index_select(1, slots)

    def write(self, layer: int, slots: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Put keys and values of (kv_heads, len(slots), head_dim) at these slots."""
        self.keys[layer].index_copy_(1, slots, keys)
        self.values[layer].index_copy_(1, slots, values)

    def copy_block(self, source: int, target: int, num_positions: int) -> None:
        """Copy the first positions of a block into another one, in all layers."""
        to, of = target * self.block_size, source * self.block_size
        for states in (*self.keys, *self.values):
            states[:, to : to + num_positions] = states[:, of : of + num_positions]


def _zeros(size: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    """Zeros in pages that the system provides as they are written.

    `torch.zeros` would write all of them at once; `numpy.zeros` asks for huge pages, and a step that touches all layers
    for the first time then waits seconds for them.
    """
    return torch.frombuffer(mmap.mmap(-1, math.prod(size) * dtype.itemsize), dtype=dtype).view(*size)
