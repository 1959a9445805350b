"""Which positions of a cache stay, by the scores of a press."""

from __future__ import annotations

import torch

__all__ = ["highest_positions"]


def highest_positions(score: torch.Tensor, keep: int) -> torch.Tensor:
    """The `keep` highest rated positions of each head, ascending, (kv_heads, keep); of equals the earlier."""
    return score.argsort(dim=-1, descending=True, stable=True)[..., :keep].sort(dim=-1).values
