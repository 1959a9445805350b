"""A linear layer as the product of two thin ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from lottery_plugins.compression.linear import CompressedLinear

__all__ = ["LowRankLinear", "low_rank"]


class LowRankLinear(CompressedLinear):
    """Weight = second @ first. Both are `nn.Linear`, so that methods that come later compress them in their turn.

    Args:
        first: (rank, cols), without bias.
        second: (rows, rank), with the bias.
    """

    kind = "low-rank"
    settings = ("rank",)

    def __init__(self, first: nn.Linear, second: nn.Linear) -> None:
        super().__init__(first.in_features, second.out_features)
        self.rank = first.out_features
        self.bits = 8 * first.weight.element_size()
        self.first, self.second = first, second

    def dequantize(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The weight that the factors stand for, (rows, cols)."""
        first, second = (
            factor.dequantize() if isinstance(factor, CompressedLinear) else factor.weight.detach().float()
            for factor in (self.first, self.second)
        )
        return (second @ first).to(dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply; x is (..., cols), the result (..., rows)."""
        return self.second(self.first(x))

    def layout(self) -> dict[str, Any]:
        """What this layer is, as JSON data; factors that were compressed in their turn have layouts of their own."""
        factors = {"first": self.first, "second": self.second}
        return {
            "kind": self.kind,
            "in_features": self.in_features,
            "out_features": self.out_features,
            "rank": self.rank,
            "bits": self.bits,
            "bias": self.second.bias is not None,
            "dtype": next((str(f.weight.dtype)[6:] for f in factors.values() if isinstance(f, nn.Linear)), "float32"),
            "factors": {name: f.layout() for name, f in factors.items() if isinstance(f, CompressedLinear)},
        }

    @classmethod
    def _empty(cls, layout: Mapping[str, Any]) -> CompressedLinear:
        rank, dtype = int(layout["rank"]), _DTYPES[layout["dtype"]]
        sizes = {"first": (int(layout["in_features"]), rank), "second": (rank, int(layout["out_features"]))}
        bias = {"first": False, "second": bool(layout["bias"])}
        made = {
            name: CompressedLinear.from_layout(layout["factors"][name])
            if name in layout["factors"]
            else nn.Linear(*sizes[name], bias=bias[name], dtype=dtype).requires_grad_(False)
            for name in sizes
        }
        layer = cls.__new__(cls)
        CompressedLinear.__init__(layer, sizes["first"][0], sizes["second"][1])
        layer.rank, layer.bits = rank, int(layout["bits"])
        layer.first, layer.second = made["first"], made["second"]
        return layer


_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def low_rank(linear: nn.Linear, rank: int, gram: torch.Tensor | None = None) -> LowRankLinear:
    """The product of two factors that is nearest to a linear layer.

    The nearest product projects the outputs on their `rank` principal directions, the first eigenvectors of
    weight @ gram @ weight^T. It is what a singular value decomposition of weight @ S gives for any S S^T = gram, but
    needs no inverse of S.

    Args:
        linear: The layer; its bias is shared.
        rank: From 1 to the lesser of rows and columns.
        gram: Products of the inputs' columns, (cols, cols): near in the outputs for these. None: in the weights.
    """
    weight = linear.weight.detach().float()
    product = weight if gram is None else weight @ gram
    _, vectors = torch.linalg.eigh(product @ weight.t())  # ascending
    directions = vectors[:, -rank:].flip(1)  # (rows, rank), the principal one first
    first = nn.Linear(linear.in_features, rank, bias=False)
    second = nn.Linear(rank, linear.out_features, bias=False)
    first.weight = _parameter(directions.t() @ weight, linear)
    second.weight = _parameter(directions, linear)
    second.bias = linear.bias
    return LowRankLinear(first, second)


def _parameter(tensor: torch.Tensor, like: nn.Linear) -> nn.Parameter:
    return nn.Parameter(tensor.to(like.weight.dtype).contiguous(), requires_grad=False)
