"""Rounding weights to few levels: the grid of each group of columns, and the layer that stores them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from lottery_plugins.compression.linear import PackedLinear

__all__ = ["Grid", "find_grid", "nearest", "packed", "round_to_nearest", "rounded_values"]


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the levels of a weight matrix lie: (level - zero) * scale, for levels from 0 to 2**bits - 1.

    Attributes:
        scale: (rows, groups) float32.
        zero: (rows, groups) float32, whole: the level that stands for 0.
        group_size: Columns of a group; the last may have fewer.
        bits: Bits of a level.
    """

    scale: torch.Tensor
    zero: torch.Tensor
    group_size: int
    bits: int

    def of_columns(self, columns: torch.Tensor) -> Grid:
        """The grid with a group for each of the columns that are named by their indices."""
        groups = columns // self.group_size
        return Grid(self.scale[:, groups], self.zero[:, groups], 1, self.bits)

    def levels(self, weight: torch.Tensor) -> torch.Tensor:
        """The nearest level of each weight, float32; (rows, groups * group_size)."""
        grouped = weight.unflatten(1, (-1, self.group_size))  # (rows, groups, group_size)
        return nearest(grouped, self.scale[..., None], self.zero[..., None], self.bits).flatten(1)

    def values(self, levels: torch.Tensor) -> torch.Tensor:
        """What levels stand for; shapes as in `levels`."""
        grouped = levels.unflatten(1, (-1, self.group_size))
        return ((grouped - self.zero[..., None]) * self.scale[..., None]).flatten(1)


def nearest(weight: torch.Tensor, scale: torch.Tensor, zero: torch.Tensor, bits: int) -> torch.Tensor:
    """The nearest level of each weight, float32, where they all have the same shape, or one that broadcasts."""
    divisor = torch.where(scale > 0, scale, 1.0)
    return (weight / divisor + zero).round_().clamp_(0, 2**bits - 1)


def find_grid(
    weight: torch.Tensor, bits: int, group_size: int, *, symmetric: bool = False, dtype: torch.dtype = torch.float16
) -> Grid:
    """The grid from the least to the largest weight of each group; 0 is always on it.

    Args:
        weight: (rows, cols) float32.
        bits: Bits of a level.
        group_size: Columns of a group; 0: the whole row.
        symmetric: Whether the grid has its middle at 0 and reaches as far as the largest |weight|.
        dtype: Type that scales are stored in; they are rounded to it.
    """
    cols = weight.shape[1]
    group_size = min(group_size or cols, cols)
    top = 2**bits - 1
    grouped = functional.pad(weight, (0, -cols % group_size)).unflatten(1, (-1, group_size))
    low, high = grouped.amin(dim=2).clamp(max=0), grouped.amax(dim=2).clamp(min=0)  # (rows, groups)
    if symmetric:
        high = torch.maximum(-low, high)
        low = -high
    scale = ((high - low) / top).to(dtype).float()
    if symmetric:
        return Grid(scale, torch.full_like(scale, 2 ** (bits - 1)), group_size, bits)
    return Grid(scale, nearest(-low, scale, torch.zeros_like(scale), bits), group_size, bits)


def packed(linear: nn.Linear, levels: torch.Tensor, grid: Grid) -> PackedLinear:
    """A layer that stores levels, in the place of a linear layer.

    Rows are filled up to whole groups and whole bytes; what is filled up is stored, and counted.

    Args:
        linear: The layer; its bias is shared.
        levels: (rows, cols).
        grid: Of the groups of the columns.
    """
    cols = linear.in_features
    num_groups = grid.scale.shape[1]
    # One group needs whole bytes only. Several must be of one size, so there are as many as fill whole bytes.
    unit = 8 if num_groups == 1 else math.lcm(grid.group_size, 8)
    spare = -cols % unit
    scale, zero = grid.scale, grid.zero
    more = 0 if num_groups == 1 else (cols + spare) // grid.group_size - num_groups
    if more:
        scale, zero = functional.pad(scale, (0, more)), functional.pad(zero, (0, more))
    return PackedLinear(
        functional.pad(levels, (0, spare)).to(torch.uint8),
        scale.t().to(torch.float16).contiguous(),
        zero.t().contiguous(),
        grid.bits,
        bias=linear.bias,
        num_zeros=int(linear.weight.numel() - torch.count_nonzero(linear.weight)),
        in_features=cols,
    )


def rounded(weight: torch.Tensor, bits: int, group_size: int, *, symmetric: bool = False) -> tuple[torch.Tensor, Grid]:
    """The nearest levels of a weight matrix, (rows, cols), and their grid."""
    grid = find_grid(weight, bits, group_size, symmetric=symmetric)
    filled = functional.pad(weight, (0, -weight.shape[1] % grid.group_size))
    return grid.levels(filled)[:, : weight.shape[1]], grid


def rounded_values(weight: torch.Tensor, bits: int, group_size: int, *, symmetric: bool = False) -> torch.Tensor:
    """What the nearest levels of a weight matrix stand for, (rows, cols)."""
    levels, grid = rounded(weight, bits, group_size, symmetric=symmetric)
    filled = functional.pad(levels, (0, -levels.shape[1] % grid.group_size))
    return grid.values(filled)[:, : levels.shape[1]]


def round_to_nearest(linear: nn.Linear, bits: int, group_size: int, *, symmetric: bool = False) -> PackedLinear:
    """A layer that stores the nearest level of each weight of a linear layer."""
    return packed(linear, *rounded(linear.weight.detach().float(), bits, group_size, symmetric=symmetric))
