"""Which combination of levels each document of a family has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lottery_plugins.tasks.randomness import Rng

__all__ = ["Design"]


@dataclass(frozen=True, slots=True)
class Design:
    """The axes of a family and their levels; a document's levels follow from its index alone.

    Attributes:
        family: Name of the family, which the shuffles belong to.
        grid: Axes whose product consecutive documents walk through, the first axis fastest, so that every cell is
            equally often met.
        mixed: Axes of which any run of n documents that starts at a multiple of n, where n is the number of levels,
            has every level once, in an order of its own: balanced, and tied to no other axis.
    """

    family: str
    grid: Mapping[str, Sequence[Any]]
    mixed: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def levels(self, index: int) -> dict[str, Any]:
        """The level of each axis for one document."""
        found = {}
        rest = index
        for axis, levels in self.grid.items():
            rest, place = divmod(rest, len(levels))
            found[axis] = levels[place]
        for axis, levels in self.mixed.items():
            block, place = divmod(index, len(levels))
            found[axis] = Rng(self.family, axis, block).shuffled(levels)[place]
        return found
