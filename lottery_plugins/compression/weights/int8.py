"""`int8`: eight-bit weights, one scale per output channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lottery_plugins.protocols.compression import CalibrationData, Stage

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Int8"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8:
    """Round weights to the nearest of 255 levels, symmetric, one scale for each output channel.

    Weight only: activations keep their type. Acts on all linear layers but the output head, which is often tied to the
    input embedding. Uses no data.

    Cost: one pass over the weights; at run time the weights are widened for each call.
    Source: Jacob et al. 2018, arXiv:1712.05877 (symmetric per-channel weights).
    """

    name: ClassVar[str] = "int8"
    summary: ClassVar[str] = "8-bit weights, round to nearest, one scale per output channel."
    stage: ClassVar[Stage] = "weights"
    order: ClassVar[int] = 20
    needs_calibration: ClassVar[bool] = False
    source: ClassVar[str] = "Jacob et al. 2018, arXiv:1712.05877"

    def compress(self, model: Any, calibration: CalibrationData | None = None) -> Any:
        """A model whose linear layers store int8; it shares all other tensors with the given one."""
        from lottery_plugins.compression.linear import Int8Linear
        from lottery_plugins.compression.structure import replace_linears

        def quantize(_: str, linear: nn.Linear) -> nn.Module:
            return Int8Linear(linear)

        return replace_linears(model, quantize, where=self.name)
