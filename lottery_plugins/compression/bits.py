"""Whole numbers of a few bits, packed into bytes along the first axis.

A number of `bits` bits is cut into pieces of 4, 2 and 1 bits (3 = 2 + 1), each piece has a plane of its own, and the
planes lie one after the other. In a plane of 4-bit pieces byte k holds the piece of number k in its low half and that
of number k + count / 2 in its high half; 2-bit and 1-bit pieces share a byte in the same manner, four and eight at a
time. So both directions move contiguous rows.
"""

from __future__ import annotations

import torch

from lottery_plugins.errors import ConfigError

__all__ = ["pack", "unpacked"]

_PIECES = (8, 4, 2, 1)


def pack(numbers: torch.Tensor, bits: int) -> torch.Tensor:
    """Pack numbers.

    Args:
        numbers: (count, n) uint8 below 2**bits; count is a multiple of 8 (of 4 for 2 and 6 bits, of 2 for 4 bits).
        bits: 1 to 8.

    Returns:
        (count * bits / 8, n) uint8.

    Raises:
        ConfigError: The numbers don't fill whole bytes.
    """
    if numbers.shape[0] % (8 // min(piece for piece, _ in _pieces(bits))):
        allowed = "a multiple of 8 (of 4 for 2 and 6 bits, of 2 for 4 bits)"
        raise ConfigError(f"number of {bits}-bit numbers", numbers.shape[0], allowed)
    planes = []
    for piece, low in _pieces(bits):
        share = 8 // piece  # numbers in a byte
        parts = ((numbers >> low) & (2**piece - 1)).chunk(share)
        plane = parts[0].clone()
        for index, part in enumerate(parts[1:], 1):
            plane |= part << (index * piece)
        planes.append(plane)
    return torch.cat(planes)


def unpacked(data: torch.Tensor, bits: int) -> torch.Tensor:
    """The inverse of `pack`, as float32.

    Args:
        data: (count * bits / 8, n) uint8.
        bits: 1 to 8.

    Returns:
        (count, n) float32.
    """
    count = data.shape[0] * 8 // bits
    numbers = torch.empty(count, *data.shape[1:], device=data.device, dtype=torch.float32)
    start = 0
    for piece, low in _pieces(bits):
        share = 8 // piece
        size = count // share
        plane = data[start : start + size]
        start += size
        for index in range(share):
            part = plane >> (index * piece) if index else plane
            if index < share - 1:
                part = part & (2**piece - 1)
            rows = numbers[index * size : (index + 1) * size]
            if low + piece == bits:  # the first piece is the highest
                rows.copy_(part).mul_(2**low) if low else rows.copy_(part)
            else:
                rows.add_(part, alpha=2**low)
    return numbers


def _pieces(bits: int) -> list[tuple[int, int]]:
    """(width, position of its lowest bit) of each piece, highest first."""
    pieces, left = [], bits
    for piece in _PIECES:
        if left & piece:
            left -= piece
            pieces.append((piece, left))
    return pieces
