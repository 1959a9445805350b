"""Steps with rows whose caches are not one position a slot in every layer, or that are observed.

Such a row is attended apart from the others, and its keys and values are put together anew in each layer: slower, and
the same whatever else is in the step. Rows without either go the way of every other step.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch.nn import functional

from lottery_plugins.backends.packed.attention import Plan
from lottery_plugins.backends.packed.cache import KVPool, slots
from lottery_plugins.backends.packed.groups import Groups, States
from lottery_plugins.backends.packed.observed import Watch
from lottery_plugins.backends.packed.steps import PackedStep
from lottery_plugins.protocols.runner import Row

__all__ = ["CompressedPlan"]


class CompressedPlan:
    """A plan around that of the ordinary rows.

    Args:
        inner: Plans the step's ordinary rows, which are its first ones; None where there are none.
        pool: The cache.
        step: All rows.
        block_size: Positions a block.
        groups: How groups are encoded; None where none are.
        device: Of the cache.
    """

    def __init__(
        self,
        inner: Plan | None,
        pool: KVPool,
        step: PackedStep,
        block_size: int,
        groups: Groups | None,
        device: torch.device,
    ) -> None:
        self._inner, self._pool = inner, pool
        self._ordinary = step.starts[step.num_ordinary]
        self._spans = list(pairwise(step.starts))[step.num_ordinary :]
        self._slots = torch.tensor(step.slots[self._ordinary :], dtype=torch.long, device=device)
        self._apart = _Apart(pool, step.rows[step.num_ordinary :], block_size, groups, device)
        self._block_size, self._slots_read = block_size, dict[int, torch.Tensor]()
        self._watch = Watch(step.rows, step.starts, device) if any(row.observed for row in step.rows) else None

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scaling: float | None,
        window: int | None,
    ) -> torch.Tensor:
        """See `Plan.attend`."""
        at, mixed = self._ordinary, []
        if self._inner is not None:
            ordinary = [states[:, :, :at] for states in (query, key, value)]
            mixed.append(self._inner.attend(layer, ordinary[0], ordinary[1], ordinary[2], scaling, window))
        apart: dict[int, torch.Tensor] = {}
        if self._spans:
            self._pool.write(layer, self._slots, key[0, :, at:], value[0, :, at:])
            for (first, last), row, states in zip(
                self._spans, self._apart.rows, self._apart.states(layer), strict=True
            ):
                mixed.append(_attended(query[0, :, first:last], states, scaling)[None])
                apart[id(row)] = states[0]
        if self._watch is not None:
            self._watch.see(layer, query, scaling, lambda row: self._keys_of(layer, row, apart))
        return torch.cat(mixed, dim=1)

    def commit(self) -> None:
        """The step was carried out: what was observed holds."""
        if self._watch is not None:
            self._watch.commit()

    def _keys_of(self, layer: int, row: Row, apart: dict[int, torch.Tensor]) -> torch.Tensor:
        if id(row) in apart:
            return apart[id(row)]
        if id(row) not in self._slots_read:
            self._slots_read[id(row)] = torch.tensor(_slots_of(row, self._block_size), device=self._slots.device)
        return self._pool.read(layer, self._slots_read[id(row)])[0]


class _Apart:
    """The keys and values of rows that are attended apart.

    Args:
        pool: The cache.
        rows: With a layout each.
        block_size: Positions a block.
        groups: How groups are encoded.
        device: Of the cache.
    """

    def __init__(
        self, pool: KVPool, rows: Sequence[Row], block_size: int, groups: Groups | None, device: torch.device
    ) -> None:
        self.rows = rows
        self._pool, self._groups, self._device = pool, groups, device
        self._slots = [_slots_of(row, block_size) for row in rows]
        self._found: dict[tuple[tuple[int, int], ...], tuple[_Places, _Places]] = {}

    def states(self, layer: int) -> list[States]:
        """All positions of each row in a layer, decoded."""
        encoded, plain = self._places(layer)
        found = plain.read(self._pool, layer)
        if self._groups is None or not len(encoded.slots):
            return found
        raw = self._groups.decode(encoded.read_all(self._pool, layer))
        sizes = [count // self._groups.slots * self._groups.size for count in encoded.counts]
        decoded = zip(*(states.split(sizes, dim=1) for states in raw), strict=True)
        return [
            (torch.cat([first[0], rest[0]], dim=1), torch.cat([first[1], rest[1]], dim=1))
            for first, rest in zip(decoded, found, strict=True)
        ]

    def _places(self, layer: int) -> tuple[_Places, _Places]:
        """Where the rows have their encoded groups, and their plain positions; found once for layers that are alike."""
        layouts = [row.layout for row in self.rows if row.layout is not None]
        key = tuple((layout.starts[layer], layout.groups[layer]) for layout in layouts)
        if key not in self._found:
            per_group = self._groups.slots if self._groups else 0
            bounds = [(start, start + groups * per_group) for start, groups in key]
            encoded = [mine[start:end] for mine, (start, end) in zip(self._slots, bounds, strict=True)]
            plain = [mine[end:] for mine, (_, end) in zip(self._slots, bounds, strict=True)]
            self._found[key] = _Places(encoded, self._device), _Places(plain, self._device)
        return self._found[key]


class _Places:
    """Slots of several rows, read together.

    Args:
        slots: Of each row.
        device: Of the cache.
    """

    def __init__(self, slots: Sequence[Sequence[int]], device: torch.device) -> None:
        self.counts = [len(mine) for mine in slots]
        self.slots = torch.tensor([slot for mine in slots for slot in mine], dtype=torch.long, device=device)

    def read_all(self, pool: KVPool, layer: int) -> States:
        """Keys and values of all rows behind each other."""
        return pool.read(layer, self.slots)

    def read(self, pool: KVPool, layer: int) -> list[States]:
        """Keys and values of each row."""
        keys, values = self.read_all(pool, layer)
        return list(zip(keys.split(self.counts, dim=1), values.split(self.counts, dim=1), strict=True))


def _slots_of(row: Row, block_size: int) -> list[int]:
    """All slots of a row, those of its new tokens included."""
    return slots(row.blocks, 0, row.cached + len(row.ids), block_size)


def _attended(query: torch.Tensor, states: States, scaling: float | None) -> torch.Tensor:
    """Causal attention of one row: (heads, tokens, head_dim) over all its positions, to (tokens, heads, head_dim)."""
    keys, values = states
    kv_heads, positions, head_dim = keys.shape
    heads, tokens, _ = query.shape
    mask = None
    if tokens > 1:
        own = torch.arange(positions - tokens, positions, device=query.device)[:, None]
        mask = (torch.arange(positions, device=query.device) <= own).repeat(heads // kv_heads, 1)
    grouped = query.reshape(1, kv_heads, -1, head_dim)  # the queries of a group as if of one head
    out = functional.scaled_dot_product_attention(grouped, keys[None], values[None], attn_mask=mask, scale=scaling)
    return out.view(heads, tokens, head_dim).transpose(0, 1)
