"""Which positions of a cache stay, by the scores of a press."""

from __future__ import annotations

import torch

from lottery_plugins.errors import BackendError
from lottery_plugins.protocols.compression import KVPress, LayerView

__all__ = ["checked_score", "highest_positions"]


def highest_positions(score: torch.Tensor, keep: int) -> torch.Tensor:
    """The `keep` highest rated positions of each head, ascending, (kv_heads, keep); of equals the earlier."""
    return score.argsort(dim=-1, descending=True, stable=True)[..., :keep].sort(dim=-1).values


def checked_score(press: KVPress, view: LayerView) -> torch.Tensor:
    """A press's scores, (batch, kv_heads, seq_len).

    Raises:
        BackendError: They are not finite, or not one per position and head.
    """
    score = press.score(view)
    shape = tuple(view.keys.shape[:3])
    if tuple(score.shape) != shape or not bool(torch.isfinite(score).all()):
        problem = f"scored layer {view.layer} with {tuple(score.shape)}, or not finite"
        raise BackendError(f"compression: {press.name}", problem, f"Return finite scores of {shape}.")
    return score
