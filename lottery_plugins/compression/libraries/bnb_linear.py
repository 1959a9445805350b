"""Linear layers with bitsandbytes' numbers and kernels, but nothing of its state.

Its own layers repack their weights at the first forward on a CPU, in place, and keep scales beside the parameters;
`state_dict` then unpacks them again, inexactly.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import nn

from lottery_plugins.compression.libraries.importing import library
from lottery_plugins.compression.linear import CompressedLinear
from lottery_plugins.errors import ConfigError

__all__ = ["LlmInt8Linear", "Nf4Linear"]


def _bitsandbytes() -> Any:
    return library("bitsandbytes")


class Nf4Linear(CompressedLinear):
    """Weight = quantile * scale of its block; two weights a byte, the first in the high half.

    Args:
        packed: (rows * cols / 2,) uint8, row by row.
        scale: (rows * cols / block_size,) float32.
        sizes: Columns and rows.
        bias: Shared, or None.
        num_zeros: Weights that pruning had set to zero.
    """

    kind = "nf4"
    bits = 4

    def __init__(
        self,
        packed: torch.Tensor,
        scale: torch.Tensor,
        sizes: tuple[int, int],
        bias: nn.Parameter | None = None,
        num_zeros: int = 0,
    ) -> None:
        super().__init__(*sizes, bias, num_zeros)
        self.register_buffer("packed", packed)
        self.register_buffer("scale", scale)

    @classmethod
    def rounded(cls, linear: nn.Linear, block_size: int) -> Nf4Linear:
        """A layer with the weights that bitsandbytes makes of a linear layer's.

        Raises:
            ConfigError: They are not finite.
        """
        weight = linear.weight.detach().contiguous()
        _check_finite(weight, "bnb-nf4")
        packed, state = _bitsandbytes().functional.quantize_4bit(weight, blocksize=block_size, quant_type="nf4")
        zeros = int(weight.numel() - torch.count_nonzero(weight))
        return cls(packed.view(-1), state.absmax, (linear.in_features, linear.out_features), linear.bias, zeros)

    def dequantize(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The weight that the stored numbers stand for, (rows, cols)."""
        shape = torch.Size((self.out_features, self.in_features))
        block_size = shape.numel() // self.scale.numel()
        op = torch.ops.bitsandbytes.dequantize_4bit.default
        return op(self.packed.view(-1, 1), self.scale, block_size, "nf4", shape, dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply; x is (..., cols), the result (..., rows)."""
        bnb, shape = _bitsandbytes(), torch.Size((self.out_features, self.in_features))
        block_size = shape.numel() // self.scale.numel()
        code = _code(str(self.scale.device))
        state = bnb.functional.QuantState(
            self.scale, shape=shape, code=code, blocksize=block_size, quant_type="nf4", dtype=x.dtype
        )
        return bnb.matmul_4bit(x, self.packed.view(-1, 1), quant_state=state, bias=self.bias)


@functools.cache
def _code(device: str) -> torch.Tensor:
    """The 16 quantiles."""
    code: torch.Tensor = _bitsandbytes().functional.get_4bit_type("nf4", device=device)
    return code


class LlmInt8Linear(CompressedLinear):
    """Weight = integer * scale of its row / 127; activations are rounded likewise, but for outliers.

    Args:
        levels: (rows, cols) int8.
        scale: (rows,) float32, the largest magnitude of each row.
        threshold: See `BnbInt8`.
        bias: Shared, or None.
        num_zeros: Weights that are exactly zero.
    """

    kind = "llm-int8"
    settings = ("threshold",)
    bits = 8

    def __init__(
        self,
        levels: torch.Tensor,
        scale: torch.Tensor,
        threshold: float,
        bias: nn.Parameter | None = None,
        num_zeros: int = 0,
    ) -> None:
        rows, cols = levels.shape
        super().__init__(cols, rows, bias, num_zeros)
        self.threshold = threshold
        self.register_buffer("levels", levels)
        self.register_buffer("scale", scale)

    @classmethod
    def rounded(cls, linear: nn.Linear, threshold: float) -> LlmInt8Linear:
        """A layer with the weights that bitsandbytes makes of a linear layer's.

        Raises:
            ConfigError: They are not finite, or too large for float16.
        """
        weight = linear.weight.detach().to(torch.float16)
        _check_finite(weight, "bnb-int8")
        levels, scale, _ = _bitsandbytes().functional.int8_vectorwise_quant(weight)
        zeros = int(linear.weight.numel() - torch.count_nonzero(linear.weight))
        return cls(levels.masked_fill_(weight == 0, 0), scale, threshold, linear.bias, zeros)

    def dequantize(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The weight that the stored numbers stand for, (rows, cols)."""
        return self._widened(self.levels).to(dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply; x is (..., cols), the result (..., rows)."""
        tokens = x.reshape(-1, self.in_features)
        outlier = tokens.abs() >= (self.threshold or float("inf"))
        inner = tokens.masked_fill(outlier, 0).to(torch.float16)
        levels, largest, _ = _bitsandbytes().functional.int8_vectorwise_quant(inner)
        product = torch.ops.bitsandbytes.int8_scaled_mm.default(
            levels, self.levels, largest, self.scale, bias=self.bias, dtype=x.dtype
        )
        columns = outlier.any(dim=0).nonzero().flatten()
        if columns.numel():
            outer = torch.where(outlier, tokens, 0)[:, columns]
            product = product + outer @ self._widened(self.levels[:, columns]).to(x.dtype).t()
        return product.view(*x.shape[:-1], self.out_features)

    def _widened(self, levels: torch.Tensor) -> torch.Tensor:
        widened: torch.Tensor = _bitsandbytes().functional.int8_vectorwise_dequant(levels.contiguous(), self.scale)
        return widened


def _check_finite(weight: torch.Tensor, method: str) -> None:
    if not bool(weight.isfinite().all()):
        got, allowed = "weights that are not finite or too large", "finite weights below 65504"
        raise ConfigError(f"compression: {method}", got, allowed, "Check the model.")
