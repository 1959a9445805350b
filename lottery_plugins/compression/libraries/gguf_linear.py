"""Layers whose weights stay in the blocks of a GGUF file."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from lottery_plugins.compression.libraries.gguf_blocks import FORMATS, widen
from lottery_plugins.compression.linear import CompressedLinear

__all__ = ["GgufEmbedding", "GgufLinear"]


class GgufLinear(CompressedLinear):
    """A linear layer of blocks, widened for each call.

    Args:
        blocks: (rows, bytes of a row) uint8.
        name: The format, a name in `FORMATS`.
        bias: Shared, or None.
    """

    kind = "gguf"
    settings = ("name",)

    def __init__(self, blocks: torch.Tensor, name: str, bias: nn.Parameter | None = None) -> None:
        form = FORMATS[name]
        super().__init__(blocks.shape[1] // form.size * form.weights, blocks.shape[0], bias)
        self.name = name
        self.register_buffer("blocks", blocks)

    @property
    def bits(self) -> int:  # type: ignore[override]  # the same for all layers of the other kinds
        """Bits of one stored weight, scales not counted."""
        return int(self.name[1])

    def dequantize(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The weight that the blocks stand for, (rows, cols)."""
        return widen(self.blocks, self.name).to(dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply; x is (..., cols), the result (..., rows)."""
        return functional.linear(x, self.dequantize(x.dtype), self.bias)


class GgufEmbedding(nn.Module):  # type: ignore[misc]  # mypy sees torch as Any
    """An embedding of blocks; only the rows that are asked for are widened.

    Args:
        blocks: (vocabulary, bytes of a row) uint8.
        name: The format, a name in `FORMATS`.
        dtype: Of the states it gives.
    """

    def __init__(self, blocks: torch.Tensor, name: str, dtype: torch.dtype) -> None:
        super().__init__()
        self.num_embeddings, self.name, self.dtype = blocks.shape[0], name, dtype
        self.weight = nn.Parameter(blocks, requires_grad=False)  # where others look for size and device

    def dequantize(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The table that the blocks stand for, (vocabulary, width)."""
        return widen(self.weight, self.name).to(dtype)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Look up; ids are (...), the result (..., width)."""
        return widen(self.weight[ids.flatten()], self.name).to(self.dtype).view(*ids.shape, -1)
