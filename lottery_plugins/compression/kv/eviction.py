"""Which cached positions stay, and dropping the others."""

from __future__ import annotations

from typing import Any

import torch

from lottery_plugins.protocols.compression import removed_count

__all__ = ["evict", "kept_positions"]


def kept_positions(score: torch.Tensor, valid: torch.Tensor, ratio: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Choose the highest rated positions of each row and head.

    Args:
        score: (batch, kv_heads, seq_len), finite; higher is kept, of equals the earlier.
        valid: (batch, seq_len) bool; False on padding, which is never chosen before a token.
        ratio: Of a row with n tokens, n - floor(ratio * n) are kept.

    Returns:
        Positions of (batch, kv_heads, kept), ascending, right-aligned, and which of them are tokens, (batch, kept).
    """
    lengths = valid.sum(dim=1)  # (batch,)
    kept = lengths.new_tensor([n - removed_count(n, ratio) for n in lengths.tolist()])  # (batch,)
    width = int(kept.max())
    rank = torch.arange(width, device=score.device)
    best = score.masked_fill(~valid[:, None], -torch.inf).argsort(dim=-1, descending=True, stable=True)[..., :width]
    spare = rank >= kept[:, None]  # (batch, width): beyond what this row keeps
    positions = best.masked_fill(spare[:, None], -1).sort(dim=-1).values  # spare ones first
    return positions.clamp(min=0), rank >= (width - kept)[:, None]


def evict(layer: Any, positions: torch.Tensor) -> None:
    """Keep only the given positions, (batch, kv_heads, kept), of a cache layer; the rest of its memory is freed."""
    for name in ("keys", "values"):
        states = getattr(layer, name)  # (batch, kv_heads, seq_len, head_dim)
        index = positions[..., None].expand(-1, -1, -1, states.shape[-1])
        setattr(layer, name, states.gather(2, index))  # (batch, kv_heads, kept, head_dim)
