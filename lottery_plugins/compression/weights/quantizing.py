"""The options that weight quantizers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.compression.checks import check_at_least, check_one_of
from lottery_plugins.protocols.compression import Stage
from lottery_plugins.protocols.plugin import option

__all__ = ["Quantizing"]

_BITS = (2, 3, 4, 5, 6, 7, 8)


@dataclass(frozen=True, kw_only=True)
class Quantizing:
    """The options of a method that rounds weights to a grid for each group of input columns within an output row.

    A group has a float16 scale and a whole zero point, so that a weight of zero stays exactly zero: pruning before it
    keeps its zeros. Acts on the linear layers of the decoder; embeddings and the output head are left alone.

    Args:
        bits: Of a stored weight, from 2 to 8.
        group_size: Columns that share a scale; 0: the whole row. Where a row is no multiple of it, its last group is
            filled up, and what is filled up is stored.
        symmetric: Whether the grid has its middle at 0, or reaches from the least to the largest weight.
    """

    name: ClassVar[str]
    stage: ClassVar[Stage] = "weights"
    order: ClassVar[int] = 20

    bits: int = option(4, "bits of a stored weight", unit="bits", allowed="2 to 8")
    group_size: int = option(64, "columns that share a scale; 0: a whole row", unit="columns", allowed=">= 0")
    symmetric: bool = option(False, "whether the grid's middle is at 0")

    def check_quantizing(self) -> None:
        """Refuse values outside their range.

        Raises:
            ConfigError: Naming the option.
        """
        check_one_of(f"compression: {self.name}.bits", self.bits, _BITS)
        check_at_least(f"compression: {self.name}.group_size", self.group_size, 0)
