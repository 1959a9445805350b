"""What a press wants to know of a sequence beside its keys and values, taken from the steps as they run.

Everything is kept for each sequence by itself, beside the cache: its latest queries, and per layer the attention that
its cached positions have received. A step that fails leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from lottery_plugins.attention_math import attention_mass
from lottery_plugins.protocols.kv_cache import Demands
from lottery_plugins.protocols.runner import Row

__all__ = ["ObservedQueries", "Watch"]


class ObservedQueries:
    """A `protocols.runner.Observed`.

    Queries lie in a ring by their positions in the text. Only those without a gap up to the latest are told.

    Args:
        wants: What the press asks for.

    Attributes:
        mass: Per layer (kv_heads, positions) float32.
    """

    def __init__(self, wants: Demands) -> None:
        self.wants = wants
        self.mass: dict[int, torch.Tensor] = {}
        self._ring: torch.Tensor | None = None  # (num_queries, features of all layers)
        self._first = self._next = 0  # positions in the text of what the ring holds

    def copy(self) -> ObservedQueries:
        """For a fork."""
        twin = ObservedQueries(self.wants)
        twin.mass = dict(self.mass)  # its tensors are replaced, never changed
        twin._ring = None if self._ring is None else self._ring.clone()
        twin._first, twin._next = self._first, self._next
        return twin

    def note(self, queries: torch.Tensor, position: int) -> None:
        """Take in the queries of all layers, (tokens, features), at these positions; at most `num_queries` tokens."""
        size = self.wants.num_queries
        if self._ring is None:
            self._ring = queries.new_zeros(size, queries.shape[1])
        held = max(self._first, self._next - size)  # what was at earlier positions is overwritten
        self._first = held if held <= position <= self._next else position
        self._next = position + queries.shape[0]
        self._ring[torch.arange(position, self._next, device=queries.device) % size] = queries

    def queries(self) -> torch.Tensor | None:
        """The latest queries, (tokens, features), the earliest first; None where none is asked for."""
        if self._ring is None:
            return None
        size = self.wants.num_queries
        first = max(self._first, self._next - size)
        return self._ring[torch.arange(first, self._next, device=self._ring.device) % size]

    def add_mass(self, layer: int, mass: torch.Tensor, num_new: int) -> None:
        """Add what each cached position received from `num_new` new ones, the last of them; `mass` becomes ours."""
        before = mass.shape[1] - num_new
        if before:
            mass[:, :before] += self.mass[layer][:, :before]
        self.mass[layer] = mass


@dataclass(frozen=True, slots=True)
class _Watched:
    """A row that is observed, and its tokens [first, last)."""

    row: Row
    observed: ObservedQueries
    first: int
    last: int

    @property
    def tail(self) -> range:
        """The tokens whose queries are taken."""
        return range(max(self.first, self.last - self.observed.wants.num_queries), self.last)


class Watch:
    """Observes the rows of one step, layer by layer; `commit` hands over what was seen.

    Args:
        rows: All rows of the step.
        starts: Index of each row's first token, and at the end the number of tokens.
        device: Of the model.
    """

    def __init__(self, rows: Sequence[Row], starts: Sequence[int], device: torch.device) -> None:
        self._watched = [
            _Watched(row, row.observed, first, last)
            for row, first, last in zip(rows, starts, starts[1:], strict=False)
            if isinstance(row.observed, ObservedQueries)
        ]
        self._tails = torch.tensor([i for one in self._watched for i in one.tail], dtype=torch.long, device=device)
        self._queries: list[torch.Tensor] = []  # per layer (tokens of all tails, heads * head_dim)
        self._mass: list[tuple[ObservedQueries, int, torch.Tensor, int]] = []

    def see(
        self, layer: int, query: torch.Tensor, scaling: float | None, keys_of: Callable[[Row], torch.Tensor]
    ) -> None:
        """Observe one layer.

        Args:
            layer: Its index; layers come in their order.
            query: (1, heads, tokens, head_dim).
            scaling: Factor of the scores; None: head_dim ** -0.5.
            keys_of: The keys of a row, its new ones included, (kv_heads, positions, head_dim).
        """
        if len(self._tails):
            self._queries.append(query[0].index_select(1, self._tails).transpose(0, 1).flatten(1))
        for one in self._watched:
            if one.observed.wants.needs_mass:
                scale = query.shape[3] ** -0.5 if scaling is None else scaling
                asked = query[:, :, one.first : one.last]
                mass = attention_mass(asked, keys_of(one.row)[None], scale)[0]
                self._mass.append((one.observed, layer, mass, one.last - one.first))

    def commit(self) -> None:
        """The step was carried out."""
        if self._queries:
            found = torch.cat(self._queries, dim=1).split([len(one.tail) for one in self._watched])
            for one, queries in zip(self._watched, found, strict=True):
                one.observed.note(queries, one.row.position + one.tail.start - one.first)
        for observed, layer, mass, num_new in self._mass:
            observed.add_mass(layer, mass, num_new)
