"""The cache of a packed runner: keys and values of all layers in blocks, made once.

A slot is a place of one position: slot = block * block_size + offset. Layers may differ in heads and sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    """

    kv_heads: int
    head_dim: int
    dtype: torch.dtype
    window: int | None = None


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

    Args:
        layers: One shape per layer.
        num_blocks: Blocks.
        block_size: Positions a block.

    Attributes:
        keys: Per layer (kv_heads, num_slots, head_dim).
        values: Likewise.
    """

    def __init__(self, layers: Sequence[LayerShape], num_blocks: int, block_size: int) -> None:
        self.block_size = block_size
        sizes = [(s.kv_heads, num_blocks * block_size, s.head_dim) for s in layers]
        self.keys = [torch.empty(size, dtype=s.dtype) for size, s in zip(sizes, layers, strict=True)]
        self.values = [torch.empty(size, dtype=s.dtype) for size, s in zip(sizes, layers, strict=True)]

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
