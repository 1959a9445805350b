"""The block formats of GGUF files, widened by torch: what the package gguf does in numpy, to the bit.

A row of a weight is a run of blocks. A block has a scale or two in float16, sometimes scales of its parts in 4 or 6
bits, and levels of 2 to 8 bits. Which bit belongs to what is fixed by ggml.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

__all__ = ["FORMATS", "BlockFormat", "widen"]


@dataclass(frozen=True, slots=True)
class BlockFormat:
    """One format.

    Attributes:
        weights: Weights of a block.
        size: Bytes of a block.
        widen: From (blocks, size) uint8 to (blocks, weights) float32.
    """

    weights: int
    size: int
    widen: Callable[[torch.Tensor], torch.Tensor]


def widen(rows: torch.Tensor, name: str) -> torch.Tensor:
    """The weights that rows of blocks stand for, float32 of (rows, cols).

    Args:
        rows: (rows, bytes of a row) uint8.
        name: A name in `FORMATS`.
    """
    form = FORMATS[name]
    return form.widen(rows.reshape(-1, form.size)).reshape(rows.shape[0], -1)


def _half(blocks: torch.Tensor, start: int) -> torch.Tensor:
    """The float16 number at a place of each block, float32 of (blocks, 1)."""
    return blocks[:, start : start + 2].view(torch.float16).float()


def _fields(data: torch.Tensor, width: int, bits: int) -> torch.Tensor:
    """Bytes as fields of some bits: all lowest fields of a run of `width` bytes, then all next ones, then the next run.

    Args:
        data: (blocks, bytes) uint8.
        width: Bytes of a run.
        bits: Of a field.

    Returns:
        (blocks, fields) uint8.
    """
    runs = data.unflatten(1, (-1, width))  # (blocks, runs, width)
    fields = runs.new_empty(*runs.shape[:2], 8 // bits, width)
    for index in range(8 // bits):  # one shift for all with a broadcast axis took ten times as long
        fields[:, :, index] = runs >> bits * index if bits * (index + 1) == 8 else runs >> bits * index & 2**bits - 1
    return fields.flatten(1)


def _fifth_bits(data: torch.Tensor) -> torch.Tensor:
    """The 32 bits of four bytes, lowest first, each as the fifth bit of a level; (blocks, 32) uint8."""
    bits = data.new_empty(*data.shape, 8)
    for index in range(8):
        bits[..., index] = data >> index & 1
    return bits.flatten(1) << 4


def _scaled(levels: torch.Tensor, scale: torch.Tensor, low: torch.Tensor | None = None) -> torch.Tensor:
    """Levels times the scale of their part of a block, minus its least value, rounded after each step as ggml does.

    Args:
        levels: (blocks, weights) of any type.
        scale: (blocks, parts) float32.
        low: Likewise.
    """
    parts = levels.float().unflatten(1, (scale.shape[1], -1)).mul_(scale[..., None])
    return (parts if low is None else parts.sub_(low[..., None])).flatten(1)


def _q4_0(blocks: torch.Tensor) -> torch.Tensor:
    return _scaled(_fields(blocks[:, 2:], 16, 4).float().sub_(8), _half(blocks, 0))


def _q4_1(blocks: torch.Tensor) -> torch.Tensor:
    return _scaled(_fields(blocks[:, 4:], 16, 4), _half(blocks, 0), -_half(blocks, 2))


def _q5_0(blocks: torch.Tensor) -> torch.Tensor:
    levels = _fields(blocks[:, 6:], 16, 4) | _fifth_bits(blocks[:, 2:6])
    return _scaled(levels.float().sub_(16), _half(blocks, 0))


def _q5_1(blocks: torch.Tensor) -> torch.Tensor:
    levels = _fields(blocks[:, 8:], 16, 4) | _fifth_bits(blocks[:, 4:8])
    return _scaled(levels, _half(blocks, 0), -_half(blocks, 2))


def _q8_0(blocks: torch.Tensor) -> torch.Tensor:
    return _scaled(blocks[:, 2:].view(torch.int8), _half(blocks, 0))


def _q2_k(blocks: torch.Tensor) -> torch.Tensor:
    scale = _half(blocks, 80) * (blocks[:, :16] & 15)  # (blocks, 16)
    low = _half(blocks, 82) * (blocks[:, :16] >> 4)
    return _scaled(_fields(blocks[:, 16:80], 32, 2), scale, low)


def _q3_k(blocks: torch.Tensor) -> torch.Tensor:
    six = _fields(blocks[:, 96:104], 8, 4) | _fields(blocks[:, 104:108], 4, 2) << 4  # (blocks, 16)
    borrowed = _fields(blocks[:, :32], 32, 1).sub_(1) & 4  # a set bit means that nothing is taken off
    levels = _fields(blocks[:, 32:96], 32, 2).float().sub_(borrowed)
    return _scaled(levels, _half(blocks, 108) * (six.float() - 32))


def _scales_and_lows(blocks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Scale and least value of the eight parts of a block that begins with two halves and twelve packed bytes."""
    first, second, third = blocks[:, 4:8], blocks[:, 8:12], blocks[:, 12:16]
    scale = torch.cat([first & 63, (third & 15) | ((first >> 2) & 48)], dim=1)
    low = torch.cat([second & 63, (third >> 4) | ((second >> 2) & 48)], dim=1)
    return _half(blocks, 0) * scale, _half(blocks, 2) * low


def _q4_k(blocks: torch.Tensor) -> torch.Tensor:
    return _scaled(_fields(blocks[:, 16:], 32, 4), *_scales_and_lows(blocks))


def _q5_k(blocks: torch.Tensor) -> torch.Tensor:
    levels = _fields(blocks[:, 48:], 32, 4) | _fields(blocks[:, 16:48], 32, 1) << 4
    return _scaled(levels, *_scales_and_lows(blocks))


def _q6_k(blocks: torch.Tensor) -> torch.Tensor:
    levels = _fields(blocks[:, :128], 64, 4) | _fields(blocks[:, 128:192], 32, 2) << 4
    return _scaled(levels.float().sub_(32), _half(blocks, 208) * blocks[:, 192:208].view(torch.int8))


FORMATS = {
    "Q2_K": BlockFormat(256, 84, _q2_k),
    "Q3_K": BlockFormat(256, 110, _q3_k),
    "Q4_0": BlockFormat(32, 18, _q4_0),
    "Q4_1": BlockFormat(32, 20, _q4_1),
    "Q4_K": BlockFormat(256, 144, _q4_k),
    "Q5_0": BlockFormat(32, 22, _q5_0),
    "Q5_1": BlockFormat(32, 24, _q5_1),
    "Q5_K": BlockFormat(256, 176, _q5_k),
    "Q6_K": BlockFormat(256, 210, _q6_k),
    "Q8_0": BlockFormat(32, 34, _q8_0),
}
"""By the name that ggml gives them. A block begins at an even byte, which reading float16 numbers in place needs."""
