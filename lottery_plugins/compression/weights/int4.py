"""`int4`: four-bit weights in groups, two to a byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from lottery_plugins.compression.checks import check_at_least
from lottery_plugins.protocols.compression import CalibrationData, Stage
from lottery_plugins.protocols.plugin import option

__all__ = ["Int4"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Int4:
    """Round weights to the nearest of 16 levels between the smallest and largest of each group: `rtn` with four bits.

    Weight only, output head left alone, no data used. A weight of zero stays exactly zero (pruning before it keeps its
    zeros).

    Args:
        group_size: Columns that share a scale; see `Quantizing`.

    Raises:
        ConfigError: If group_size is not a whole number of at least 2.

    Cost: 4 + 24 / group_size bits a weight; one pass over the weights; widened for each call at run time.
    Source: Yao et al. 2022 (ZeroQuant), arXiv:2206.01861 (group-wise weights).
    """

    name: ClassVar[str] = "int4"
    summary: ClassVar[str] = "4-bit weights, round to nearest, asymmetric, in groups of input columns."
    stage: ClassVar[Stage] = "weights"
    order: ClassVar[int] = 20
    needs_calibration: ClassVar[bool] = False
    source: ClassVar[str] = "Yao et al. 2022, arXiv:2206.01861"

    group_size: int = option(64, "columns that share a scale", unit="columns", allowed=">= 2")

    def __post_init__(self) -> None:
        check_at_least("compression: int4.group_size", self.group_size, 2)

    def compress(self, model: Any, calibration: CalibrationData | None = None) -> Any:
        """A model whose linear layers store two weights a byte; it shares all other tensors with the given one."""
        from lottery_plugins.compression.structure import replace_linears
        from lottery_plugins.compression.weights.rounding import round_to_nearest

        return replace_linears(model, lambda _, linear: round_to_nearest(linear, 4, self.group_size), self.name)
