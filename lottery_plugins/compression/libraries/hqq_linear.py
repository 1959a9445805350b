"""A linear layer with the levels, scales and zero points that hqq finds."""

from __future__ import annotations

import torch
from torch import nn

from lottery_plugins.compression.libraries.importing import library
from lottery_plugins.compression.linear import PackedLinear
from lottery_plugins.errors import ConfigError

__all__ = ["HqqLinear"]


class HqqLinear(PackedLinear):
    """Packed levels whose zero points are fractions. Needs no hqq once it is made.

    Args:
        levels: (rows, cols) uint8.
        scale: (groups, rows) float16.
        zero: (groups, rows) float16.
        bits: Bits of a level.
        bias: Shared, or None.
    """

    kind = "hqq"

    def __init__(
        self, levels: torch.Tensor, scale: torch.Tensor, zero: torch.Tensor, bits: int, bias: nn.Parameter | None
    ) -> None:
        super().__init__(levels, scale, zero, bits, bias)
        self.register_buffer("zero", zero.unsqueeze(1))  # (groups, 1, rows), as it is and not rounded

    @classmethod
    def fitted(cls, linear: nn.Linear, bits: int, group_size: int) -> HqqLinear:
        """A layer with the weights that hqq's quantizer makes of a linear layer's.

        Raises:
            ConfigError: They are not finite.
        """
        weight = linear.weight.detach()
        if not bool(weight.isfinite().all()):
            raise ConfigError("compression: hqq", "weights that are not finite", "finite weights", "Check the model.")
        options = {"nbits": bits, "group_size": group_size, "axis": 1, "bitpack": False, "device": str(weight.device)}
        levels, found = library("hqq.core.quantize").Quantizer.quantize(weight, **options)
        scale, zero = (
            found[name].to(torch.float16).view(linear.out_features, -1).t().contiguous() for name in ("scale", "zero")
        )
        return cls(levels.view_as(weight).to(torch.uint8), scale, zero, bits, linear.bias)
