"""Attention probabilities, for those who rate cached positions by them: presses, and what feeds them.

Each row is computed by itself, so that a row in a batch gives what it gives alone.
"""

from __future__ import annotations

import torch

__all__ = ["attention_mass", "attention_probabilities", "rounded"]

_QUERIES_AT_ONCE = 256  # of (heads, queries, seq_len) scores in memory


def attention_probabilities(
    queries: torch.Tensor, keys: torch.Tensor, scaling: float, valid: torch.Tensor | None = None
) -> torch.Tensor:
    """What the last queries of a cache attend to, causally.

    Args:
        queries: (batch, heads, num_queries, head_dim): of the last `num_queries` of the `seq_len` positions.
        keys: (batch, kv_heads, seq_len, head_dim).
        scaling: Factor of the scores.
        valid: (batch, seq_len) bool; False on padding. None: no padding.

    Returns:
        (batch, kv_heads, group, num_queries, seq_len) float32. A query of padding sees nothing: its row is zero.
    """
    kv_heads, seq_len = keys.shape[1:3]
    grouped = queries.float().unflatten(1, (kv_heads, -1))  # (batch, kv_heads, group, num_queries, head_dim)
    num_queries = grouped.shape[3]
    position = torch.arange(seq_len, device=keys.device)
    seen = position <= position[seq_len - num_queries :, None]  # (num_queries, seq_len)
    seen = seen if valid is None else seen & valid[:, None, None, None]
    rows = []
    for index, (query, key) in enumerate(zip(grouped, keys.float(), strict=True)):
        score = torch.matmul(query, key[:, None].transpose(2, 3)) * scaling  # (kv_heads, group, num_queries, seq_len)
        hidden = ~(seen if valid is None else seen[index])
        rows.append(score.masked_fill(hidden, -torch.inf).softmax(dim=-1).masked_fill(hidden, 0))
    return torch.stack(rows)


def attention_mass(
    queries: torch.Tensor, keys: torch.Tensor, scaling: float, valid: torch.Tensor | None = None
) -> torch.Tensor:
    """The attention that each position receives from some queries, summed over them, a mean over a group's heads.

    Args:
        queries: See `attention_probabilities`; taken a few hundred at a time.
        keys: Likewise.
        scaling: Likewise.
        valid: Likewise.

    Returns:
        (batch, kv_heads, seq_len) float32.
    """
    batch, kv_heads, seq_len = keys.shape[:3]
    num_queries = queries.shape[2]
    mass = torch.zeros(batch, kv_heads, seq_len, device=keys.device)
    for start in range(0, num_queries, _QUERIES_AT_ONCE):
        stop = min(start + _QUERIES_AT_ONCE, num_queries)
        end = seq_len - num_queries + stop  # what comes later, none of these queries sees
        part = valid[:, :end] if valid is not None else None
        probability = attention_probabilities(queries[:, :, start:stop], keys[:, :, :end], scaling, part)
        mass[..., :end] += probability.sum(dim=3).mean(dim=2)
    return mass


def rounded(score: torch.Tensor, bits: int = 12) -> torch.Tensor:
    """Scores rounded to so many bits of mantissa, so that what differs by rounding alone is a tie.

    Ties go to the earlier position. Rounding errors depend on the batch, and must not decide what is kept.
    """
    mantissa, exponent = torch.frexp(score.float())
    return torch.ldexp((mantissa * 2**bits).round() / 2**bits, exponent)
