"""`rtn`: weights rounded to nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lottery_plugins.compression.weights.quantizing import Quantizing
from lottery_plugins.protocols.compression import CalibrationData

if TYPE_CHECKING:
    from torch import nn

__all__ = ["RoundToNearest"]


@dataclass(frozen=True, kw_only=True)
class RoundToNearest(Quantizing):
    """Round weights to the nearest of the levels of their group: the baseline of every weight quantizer. Uses no data.

    Args:
        bits: See `Quantizing`, here and below.
        group_size: Columns that share a scale.
        symmetric: Whether the grid's middle is at 0.

    Raises:
        ConfigError: If a value is outside its range.

    Cost: bits + 24 / group_size bits a weight; one pass over the weights; widened for each call at run time.
    Source: Yao et al. 2022 (ZeroQuant), arXiv:2206.01861 (group-wise weights).
    """

    name: ClassVar[str] = "rtn"
    summary: ClassVar[str] = "Weights of 2 to 8 bits, round to nearest, in groups of input columns; no data."
    needs_calibration: ClassVar[bool] = False
    source: ClassVar[str] = "Yao et al. 2022, arXiv:2206.01861"

    def __post_init__(self) -> None:
        self.check_quantizing()

    def compress(self, model: Any, calibration: CalibrationData | None = None) -> Any:
        """A model whose linear layers store packed weights; it shares all other tensors with the given one."""
        from lottery_plugins.compression.structure import replace_linears
        from lottery_plugins.compression.weights.rounding import round_to_nearest

        def rounded(_: str, linear: nn.Linear) -> nn.Module:
            return round_to_nearest(linear, self.bits, self.group_size, symmetric=self.symmetric)

        return replace_linears(model, rounded, self.name)
