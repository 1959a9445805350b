"""The cache of a device: keys and values in blocks that lie anywhere, found through block tables."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lottery_plugins.backends.packed.cache import LayerShape

__all__ = ["PagedPool"]


class PagedPool:
    """Keys and values of each layer as (num_blocks + 1, block_size, kv_heads, head_dim), as paged kernels read them.

    The block behind the last is nobody's: rows that only fill up a batch write there. All memory starts as zeros, so
    what such a row reads is finite.

    Args:
        layers: One shape per layer.
        num_blocks: Blocks that may be handed out.
        block_size: Positions a block.
        device: Where.

    Attributes:
        keys: Per layer (num_blocks + 1, block_size, kv_heads, head_dim).
        values: Likewise.
        scratch: Number of the block that is nobody's.
    """

    def __init__(self, layers: Sequence[LayerShape], num_blocks: int, block_size: int, device: torch.device) -> None:
        self.num_blocks, self.block_size, self.scratch = num_blocks, block_size, num_blocks
        self._device = device
        alike: dict[tuple[int, int, torch.dtype], list[int]] = {}
        for layer, shape in enumerate(layers):
            alike.setdefault((shape.kv_heads, shape.head_dim, shape.dtype), []).append(layer)
        found: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._stores = []
        for (kv_heads, head_dim, dtype), members in alike.items():
            size = (2 * len(members), num_blocks + 1, block_size, kv_heads, head_dim)
            store = torch.zeros(size, dtype=dtype, device=device)
            self._stores.append(store)
            found |= {layer: (store[2 * i], store[2 * i + 1]) for i, layer in enumerate(members)}
        self.keys = [found[layer][0] for layer in range(len(layers))]
        self.values = [found[layer][1] for layer in range(len(layers))]

    def put(self, layer: int, slots: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Write keys and values of (len(slots), kv_heads, head_dim): the layout of a step. Does not synchronise."""
        self.keys[layer].flatten(0, 1).index_copy_(0, slots, keys)
        self.values[layer].flatten(0, 1).index_copy_(0, slots, values)

    def read(self, layer: int, slots: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Copies of the keys and the values at these slots, each (kv_heads, len(slots), head_dim)."""
        slots = slots.to(self._device)
        keys, values = (t[layer].flatten(0, 1).index_select(0, slots) for t in (self.keys, self.values))
        return keys.transpose(0, 1), values.transpose(0, 1)

    def write(self, layer: int, slots: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Put keys and values of (kv_heads, len(slots), head_dim) at these slots."""
        slots = slots.to(self._device)
        self.put(layer, slots, keys.transpose(0, 1), values.transpose(0, 1))

    def copy_block(self, source: int, target: int, num_positions: int) -> None:
        """Copy the first positions of a block into another one, in all layers."""
        for store in self._stores:  # all layers alike in one: a launch each would take longer than the copy
            store[:, target, :num_positions] = store[:, source, :num_positions]
