"""`int4`: four-bit weights in groups, two to a byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import CalibrationData, Stage
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Int4"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Int4:
    """Round weights to the nearest of 16 levels between the smallest and largest of each group.

    Groups are runs of input columns within one output row. Each has a float16 scale and a whole zero point, so a zero
    weight stays exactly zero (pruning before it keeps its zeros). Weight only, output head left alone, no data used.

    Args:
        group_size: Columns that share a scale; even, and a divisor of the input size of every linear layer.

    Raises:
        ConfigError: If group_size is not an even number of at least 2, or does not divide a layer's input size.

    Cost: 4 + 24 / group_size bits a weight; one pass over the weights; widened for each call at run time.
    Source: Yao et al. 2022 (ZeroQuant), arXiv:2206.01861 (group-wise weights).
    """

    name: ClassVar[str] = "int4"
    summary: ClassVar[str] = "4-bit weights, round to nearest, asymmetric, in groups of input columns."
    stage: ClassVar[Stage] = "weights"
    order: ClassVar[int] = 20
    needs_calibration: ClassVar[bool] = False
    source: ClassVar[str] = "Yao et al. 2022, arXiv:2206.01861"

    group_size: int = option(64, "columns that share a scale", unit="columns", allowed="an even number >= 2")

    def __post_init__(self) -> None:
        size = self.group_size
        if isinstance(size, bool) or not isinstance(size, int) or size < 2 or size % 2:
            raise ConfigError("compression: int4.group_size", size, "an even number of at least 2", "64 is usual.")

    def compress(self, model: Any, calibration: CalibrationData | None = None) -> Any:
        """A model whose linear layers store two weights a byte; it shares all other tensors with the given one."""
        from lottery_plugins.compression.linear import Int4Linear
        from lottery_plugins.compression.structure import replace_linears

        def quantize(path: str, linear: nn.Linear) -> nn.Module:
            if linear.in_features % self.group_size:
                raise ConfigError(
                    "compression: int4.group_size",
                    self.group_size,
                    f"a divisor of {linear.in_features}, the input size of {path}",
                    "Use 64 or 32.",
                )
            return Int4Linear(linear, self.group_size)

        return replace_linears(model, quantize, where=self.name)
