"""`bnb-nf4`: bitsandbytes' four-bit NormalFloat weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lottery_plugins.compression.checks import check_one_of
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import CalibrationData, Stage
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    from torch import nn

__all__ = ["BnbNf4"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BnbNf4:
    """Round weights to the 16 quantiles of a normal distribution, scaled by the largest weight of each block.

    bitsandbytes rounds, widens and, on a GPU, multiplies. Weight only, output head left alone, no data used. A weight
    of zero stays exactly zero (pruning before it keeps its zeros).

    Args:
        block_size: Weights of one row that share a scale; a divisor of the input size of every linear layer.

    Raises:
        ConfigError: If block_size is not one that bitsandbytes has, or does not divide a layer's input size.

    Cost: 4 + 32 / block_size bits a weight; one pass over the weights; widened for each call on a CPU.
    Source: Dettmers et al. 2023 (QLoRA), arXiv:2305.14314; the package bitsandbytes.
    Deviation: scales are not quantized a second time, and computing is in the type of the activations, where
    bitsandbytes' own layer repacks its weights for bfloat16 on CPUs that have it: results would depend on the machine.
    """

    name: ClassVar[str] = "bnb-nf4"
    summary: ClassVar[str] = "4-bit NormalFloat weights in blocks, by the library bitsandbytes."
    stage: ClassVar[Stage] = "weights"
    order: ClassVar[int] = 20
    needs_calibration: ClassVar[bool] = False
    source: ClassVar[str] = "Dettmers et al. 2023, arXiv:2305.14314"
    requires: ClassVar[tuple[tuple[str, str], ...]] = (("bitsandbytes", "pip install 'lottery-plugins[compression]'"),)

    block_size: int = option(64, "weights that share a scale", unit="weights", allowed="32, 64, 128, 256 or 512")

    def __post_init__(self) -> None:
        check_one_of("compression: bnb-nf4.block_size", self.block_size, (32, 64, 128, 256, 512))

    def compress(self, model: Any, calibration: CalibrationData | None = None) -> Any:
        """A model whose linear layers store four bits a weight; it shares all other tensors with the given one."""
        from lottery_plugins.compression.libraries.bnb_linear import Nf4Linear
        from lottery_plugins.compression.structure import replace_linears

        def quantize(path: str, linear: nn.Linear) -> nn.Module:
            if linear.in_features % self.block_size:
                allowed = f"a divisor of {linear.in_features}, the input size of {path}"
                raise ConfigError("compression: bnb-nf4.block_size", self.block_size, allowed, "Use 64 or 32.")
            return Nf4Linear.rounded(linear, self.block_size)

        return replace_linears(model, quantize, where=self.name)
