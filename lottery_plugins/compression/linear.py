"""Linear layers with quantized weights. Plain torch operations, so they run wherever torch does.

The weights are widened for each call and forgotten after it. Torch's own fp32 kernels for packed weights
(`_weight_int8pack_mm`, `_weight_int4pack_mm_for_cpu`) were 1.3 to 2.5 times slower than this on one CPU core for one
row, and 10 to 100 times for eight rows and more; they are made for bfloat16 (benchmarks/compression_kernels.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import nn
from torch.nn import functional

from lottery_plugins.errors import ConfigError

__all__ = ["Int4Linear", "Int8Linear", "QuantizedLinear"]


class QuantizedLinear(nn.Module, ABC):  # type: ignore[misc]  # mypy sees torch as Any
    """A linear layer whose weight is stored in few bits.

    Attributes:
        in_features: Columns of the weight.
        out_features: Rows of the weight.
        bits: Bits of one stored weight, scales not counted.
        num_zeros: Weights that were exactly zero before, as pruning leaves them.
    """

    bits: int

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.num_zeros = linear.weight.numel() - int(torch.count_nonzero(linear.weight))
        self.bias = linear.bias  # shared with the original, as nothing changes it

    @abstractmethod
    def dequantize(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The weight that the stored numbers stand for, (rows, cols)."""

    def extra_repr(self) -> str:
        """The sizes, for `print(model)`."""
        return f"{self.in_features}, {self.out_features}, bits={self.bits}, bias={self.bias is not None}"


class Int8Linear(QuantizedLinear):
    """Weight = integer * scale of its row."""

    bits = 8

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__(linear)
        weight = linear.weight.detach().float()  # (rows, cols)
        scale = weight.abs().amax(dim=1) / 127  # (rows,)
        divisor = torch.where(scale > 0, scale, torch.ones_like(scale))
        levels = (weight / divisor[:, None]).round_().clamp_(-127, 127)
        _check_finite(scale)
        self.register_buffer("levels", levels.to(torch.int8))
        self.register_buffer("scale", scale)

    def dequantize(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The weight that the stored numbers stand for, (rows, cols)."""
        return (self.levels.float() * self.scale.float()[:, None]).to(dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply; x is (..., cols), the result (..., rows)."""
        if x.dtype == torch.float16:  # sums of unscaled integers would overflow
            return functional.linear(x, self.dequantize(x.dtype), self.bias)
        # Scaling the product is cheaper than scaling the weight, and integers up to 127 are exact in bfloat16 too.
        product = (functional.linear(x, self.levels.to(x.dtype)) * self.scale).to(x.dtype)
        return product if self.bias is None else product + self.bias


class Int4Linear(QuantizedLinear):
    """Weight = (integer - zero point) * scale, both of its group of `group_size` columns.

    Stored transposed, because widening is then all contiguous rows: byte (k, n) holds column k of row n in its low
    half and column k + cols / 2 in its high half.
    """

    bits = 4

    def __init__(self, linear: nn.Linear, group_size: int) -> None:
        super().__init__(linear)
        weight = linear.weight.detach().float()
        rows, cols = weight.shape
        grouped = weight.t().reshape(cols // group_size, group_size, rows)  # (groups, group_size, rows)
        low = grouped.amin(dim=1, keepdim=True).clamp(max=0)  # (groups, 1, rows)
        high = grouped.amax(dim=1, keepdim=True).clamp(min=0)
        scale = ((high - low) / 15).to(torch.float16)
        _check_finite(scale)
        divisor = torch.where(scale > 0, scale.float(), torch.ones_like(low))
        zero = (-low / divisor).round_().clamp_(0, 15)
        levels = (grouped / divisor + zero).round_().clamp_(0, 15).to(torch.uint8).view(cols, rows)
        self.register_buffer("packed", levels[: cols // 2] | levels[cols // 2 :] << 4)  # (cols / 2, rows)
        self.register_buffer("scale", scale)  # (groups, 1, rows)
        self.register_buffer("zero", zero.to(torch.uint8))  # (groups, 1, rows)

    def dequantize(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The weight that the stored numbers stand for, (rows, cols)."""
        return self._widened().t().to(dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply; x is (..., cols), the result (..., rows)."""
        product = x @ self._widened().to(x.dtype)
        return product if self.bias is None else product + self.bias

    def _widened(self) -> torch.Tensor:
        """The weight transposed, (cols, rows), float32."""
        half = self.packed.shape[0]
        weight = torch.empty(2 * half, self.out_features, device=self.packed.device, dtype=torch.float32)
        weight[:half] = self.packed & 15
        weight[half:] = self.packed >> 4
        grouped = weight.view(self.scale.shape[0], -1, self.out_features)  # (groups, group_size, rows)
        scale = self.scale.float()
        # In place; zero * scale is exact in float32 (11 + 4 bits), so a level at the zero point gives exactly 0.
        return torch.addcmul(-(self.zero * scale), grouped, scale, out=grouped).view(2 * half, -1)


def _check_finite(scale: torch.Tensor) -> None:
    if not torch.isfinite(scale).all():
        raise ConfigError(
            "compression", "weights that are not finite or too large", "finite weights below 65504", "Check the model."
        )
