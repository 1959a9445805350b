"""Writing a cache anew: the press chooses positions, the quantizer encodes the oldest of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from lottery_plugins.backends.packed.cache import KVPool, LayerShape, slots
from lottery_plugins.backends.packed.eviction import highest_positions
from lottery_plugins.backends.packed.groups import Groups, States
from lottery_plugins.backends.packed.observed import ObservedQueries
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.kv_cache import KVPress, LayerView, checked_score
from lottery_plugins.protocols.runner import Held

__all__ = ["Compressor"]


@dataclass(frozen=True, slots=True)
class _Part:
    """One layer of a cache: its encoded groups, the slots of these, and those of its plain positions."""

    groups: int
    encoded: list[int]
    plain: list[int]


@dataclass(frozen=True, slots=True)
class Compressor:
    """Carries out `Runner.compress`.

    Args:
        pool: The cache.
        layers: Shapes of the model's layers.
        block_size: Positions a block.
        press: Rates positions; None where none are dropped.
        groups: Encodes; None where nothing is.
    """

    pool: KVPool
    layers: Sequence[LayerShape]
    block_size: int
    press: KVPress | None
    groups: Groups | None

    def compress(self, source: Held, target: Held, observed: ObservedQueries | None) -> None:
        """See `Runner.compress`.

        Raises:
            BackendError: The press gave scores that are not finite or not one per position and head.
        """
        queries = self._queries(observed)
        for layer in range(len(self.layers)):
            self._compress_layer(layer, self._part(layer, source), self._part(layer, target), observed, queries[layer])

    def _compress_layer(
        self, layer: int, before: _Part, after: _Part, observed: ObservedQueries | None, queries: torch.Tensor | None
    ) -> None:
        raw, plain = self._read(layer, before.encoded), self._read(layer, before.plain)
        groups = before.groups
        if self._positions(after) < self._positions(before):
            states = self._joined(self.groups.decode(raw), plain) if self.groups and groups else plain
            latest = None if queries is None else queries[:, :, -states[0].shape[1] :]
            index = self._chosen(layer, states, self._positions(after), observed, latest)[..., None]
            keys, values = (s.gather(1, index.expand(-1, -1, s.shape[2])) for s in states)
            raw, plain, groups = (keys[:, :0], values[:, :0]), (keys, values), 0
        if self.groups and after.groups > groups:
            count = (after.groups - groups) * self.groups.size
            oldest, rest = zip(*(s.split([count, s.shape[1] - count], dim=1) for s in plain), strict=True)
            raw, plain = self._joined(raw, self.groups.encode(oldest)), rest
        self.pool.write(layer, torch.tensor([*after.encoded, *after.plain]), *self._joined(raw, plain))

    def _chosen(
        self, layer: int, states: States, keep: int, observed: ObservedQueries | None, queries: torch.Tensor | None
    ) -> torch.Tensor:
        """Positions that stay, (kv_heads, keep); what is observed forgets the others."""
        if self.press is None:
            raise ConfigError("engine: packed", "positions to drop", "a KV-cache method", "Name one in compression=.")
        keys, values = (s[None] for s in states)
        scaling, mass = self.layers[layer].scaling, observed.mass.get(layer) if observed else None
        view = LayerView(
            layer,
            keys,
            values,
            torch.ones(1, keys.shape[2], dtype=torch.bool, device=keys.device),
            num_layers=len(self.layers),
            queries=queries,
            query_valid=None if queries is None else queries.new_ones(1, queries.shape[2], dtype=torch.bool),
            scaling=keys.shape[3] ** -0.5 if scaling is None else scaling,
            mass=None if mass is None else mass[None],
        )
        index = highest_positions(checked_score(self.press, view)[0], keep)
        if observed is not None and mass is not None:
            observed.mass[layer] = mass.gather(1, index)
        return index

    def _queries(self, observed: ObservedQueries | None) -> list[torch.Tensor] | list[None]:
        """Per layer the latest queries, (1, heads, num_queries, head_dim)."""
        found = observed.queries() if observed else None
        if found is None:
            return [None] * len(self.layers)
        parts = found.split([shape.heads * shape.head_dim for shape in self.layers], dim=1)
        shapes = zip(parts, self.layers, strict=True)
        return [part.unflatten(1, (shape.heads, -1)).transpose(0, 1)[None] for part, shape in shapes]

    def _part(self, layer: int, held: Held) -> _Part:
        start, groups = (held.layout.starts[layer], held.layout.groups[layer]) if held.layout else (0, 0)
        mine = slots(held.blocks, start, held.cached, self.block_size)
        count = groups * self.groups.slots if self.groups else 0
        return _Part(groups, mine[:count], mine[count:])

    def _positions(self, part: _Part) -> int:
        return part.groups * (self.groups.size if self.groups else 0) + len(part.plain)

    def _read(self, layer: int, places: Sequence[int]) -> States:
        return self.pool.read(layer, torch.tensor(places, dtype=torch.long))

    @staticmethod
    def _joined(first: States, second: States) -> States:
        return torch.cat([first[0], second[0]], dim=1), torch.cat([first[1], second[1]], dim=1)
