"""Which cached positions stay, by the scores of a press."""

from __future__ import annotations

import torch

__all__ = ["kept_positions", "picked"]


def kept_positions(score: torch.Tensor, valid: torch.Tensor, keep: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Choose the highest rated positions of each row and head.

    Args:
        score: (batch, kv_heads, seq_len), finite; higher is kept, of equals the earlier.
        valid: (batch, seq_len) bool; False on padding, which is never chosen before a token.
        keep: How many of each row, (batch,); where a row has fewer tokens, those stay.

    Returns:
        Positions of (batch, kv_heads, kept), ascending, right-aligned, and which of them are tokens, (batch, kept).
    """
    kept = torch.minimum(keep, valid.sum(dim=1))  # (batch,)
    width = int(kept.max())
    rank = torch.arange(width, device=score.device)
    best = score.masked_fill(~valid[:, None], -torch.inf).argsort(dim=-1, descending=True, stable=True)[..., :width]
    spare = rank >= kept[:, None]  # (batch, width): beyond what this row keeps
    positions = best.masked_fill(spare[:, None], -1).sort(dim=-1).values  # spare ones first
    return positions.clamp(min=0), rank >= (width - kept)[:, None]


def picked(states: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """What stays of (batch, kv_heads, seq_len, size) at positions of (batch, kv_heads, kept): a copy."""
    return states.gather(2, positions[..., None].expand(-1, -1, -1, states.shape[-1]))
