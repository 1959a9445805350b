"""Encoded groups in the cache: a quantizer's bytes, kept in the slots of a pool as they are.

A group of one head takes a whole number of slots, so that blocks are counted as what they are. Its bytes lie in memory
of the cache's own type and are never computed with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from lottery_plugins.backends.packed.cache import LayerShape
from lottery_plugins.engine.compression import CacheMethods
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.kv_cache import KVQuantizer

__all__ = ["Groups", "group_slots"]

States = tuple[torch.Tensor, torch.Tensor]
"""Keys and values, each (kv_heads, positions or slots, head_dim)."""


def group_slots(quantizer: KVQuantizer, layers: Sequence[LayerShape]) -> int:
    """Slots that a group takes in every layer.

    Raises:
        ConfigError: They are more than the positions of the group.
    """
    needed = 0
    for shape in layers:
        needed = max(needed, -(-quantizer.group_bytes(shape.head_dim) // (shape.head_dim * shape.dtype.itemsize)))
    if needed > quantizer.group_size:
        got = f"groups of {quantizer.group_size} positions in the room of {needed}"
        allowed = "groups smaller than what they stand for"
        raise ConfigError(f"compression: {quantizer.name}", got, allowed, "Use larger groups or fewer bits.")
    return needed


@dataclass(frozen=True, slots=True)
class Groups:
    """Encodes positions into slots, and decodes them.

    Args:
        quantizer: The method.
        slots: Slots of a group.
    """

    quantizer: KVQuantizer
    slots: int

    @classmethod
    def of(cls, methods: CacheMethods | None) -> Groups | None:
        """Those of a run; None where nothing is encoded."""
        quantizer = methods.quantizer if methods else None
        return cls(quantizer, methods.group_slots) if methods and quantizer else None

    @property
    def size(self) -> int:
        """Positions of a group."""
        return self.quantizer.group_size

    def encode(self, states: States) -> States:
        """Whole groups of positions as slots."""
        keys, values = states
        return self._into_slots(keys, self.quantizer.encode_keys), self._into_slots(
            values, self.quantizer.encode_values
        )

    def decode(self, slots: States) -> States:
        """The positions that whole groups of slots stand for, in the cache's type."""
        keys, values = slots
        return self._from_slots(keys, self.quantizer.decode_keys), self._from_slots(
            values, self.quantizer.decode_values
        )

    def _into_slots(self, states: torch.Tensor, encode: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        kv_heads, positions, head_dim = states.shape
        data = encode(states.unflatten(1, (-1, self.size)).float())  # (kv_heads, groups, group_bytes)
        room = self.slots * head_dim * states.element_size()
        raw = torch.nn.functional.pad(data, (0, room - data.shape[-1]))
        return raw.contiguous().view(states.dtype).reshape(kv_heads, positions // self.size * self.slots, head_dim)

    def _from_slots(self, slots: torch.Tensor, decode: Callable[[torch.Tensor, int], torch.Tensor]) -> torch.Tensor:
        kv_heads, _, head_dim = slots.shape
        raw = slots.contiguous().view(kv_heads, -1, self.slots * head_dim).view(torch.uint8)
        data = raw[..., : self.quantizer.group_bytes(head_dim)]
        return decode(data, head_dim).to(slots.dtype).flatten(1, 2)
