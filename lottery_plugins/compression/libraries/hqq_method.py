"""`hqq`: weights in few bits, whose zero points are fitted by half-quadratic splitting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lottery_plugins.compression.checks import check_at_least, check_one_of
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import CalibrationData, Stage
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Hqq"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hqq:
    """Fit the zero point of each group so that few weights, the outliers, have a large error.

    The library's quantizer with its own settings, grouped along the input columns as its fast kernels want it. Weight
    only, output head left alone, no data used. A zero point is a fraction, so what pruning set to zero does not stay
    exactly zero.

    Args:
        bits: Of a weight.
        group_size: Columns that share a scale and a zero point; a divisor of the input size of every linear layer.

    Raises:
        ConfigError: If a value is outside its range, or group_size does not divide a layer's input size.

    Cost: bits + 32 / group_size bits a weight; up to 20 passes over the weights; widened for each call at run time.
    Source: Badri and Shaji 2023, https://mobiusml.github.io/hqq_blog; the package hqq.
    Deviation: three-bit weights take three bits where hqq puts ten into 32, scales and zero points are float16 and are
    applied in float32 for every type of activations. On a GPU, hqq fits in float16: other numbers than on a CPU.
    """

    name: ClassVar[str] = "hqq"
    summary: ClassVar[str] = "8, 4, 3 or 2-bit weights with fitted zero points, by the library hqq; no data used."
    stage: ClassVar[Stage] = "weights"
    order: ClassVar[int] = 20
    needs_calibration: ClassVar[bool] = False
    source: ClassVar[str] = "Badri and Shaji 2023, https://mobiusml.github.io/hqq_blog"
    requires: ClassVar[tuple[tuple[str, str], ...]] = (("hqq", "pip install 'lottery-plugins[compression]'"),)

    bits: int = option(4, "bits of a weight", unit="bits", allowed="8, 4, 3 or 2")
    group_size: int = option(64, "columns that share a scale", unit="columns", allowed=">= 8")

    def __post_init__(self) -> None:
        check_one_of("compression: hqq.bits", self.bits, (8, 4, 3, 2))
        check_at_least("compression: hqq.group_size", self.group_size, 8)

    def compress(self, model: Any, calibration: CalibrationData | None = None) -> Any:
        """A model whose linear layers store packed levels; it shares all other tensors with the given one."""
        from lottery_plugins.compression.libraries.hqq_linear import HqqLinear
        from lottery_plugins.compression.structure import replace_linears

        def quantize(path: str, linear: nn.Linear) -> nn.Module:
            if linear.in_features % self.group_size:
                allowed = f"a divisor of {linear.in_features}, the input size of {path}"
                raise ConfigError("compression: hqq.group_size", self.group_size, allowed, "Use 64 or 32.")
            return HqqLinear.fitted(linear, self.bits, self.group_size)

        return replace_linears(model, quantize, where=self.name)
