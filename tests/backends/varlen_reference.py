"""torch's varlen_attn in plain PyTorch, as strict as the flash kernels behind it are. For machines without a GPU."""

import torch


def varlen_attn(
    query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, return_aux=None, scale=None, window_size=(-1, -1),
    enable_gqa=False, seqused_k=None, block_table=None, num_splits=None,
):  # fmt: skip
    """Like torch 2.13 on FlashAttention 2. What the real one would refuse, or compute wrongly, fails here."""
    for counts in (cu_seq_q, cu_seq_k, seqused_k, block_table):
        assert counts is None or (counts.dtype == torch.int32 and counts.is_contiguous())
    assert cu_seq_k is not None
    assert cu_seq_k.shape == cu_seq_q.shape
    heads, kv_heads = query.shape[1], key.shape[-2]
    assert heads == kv_heads or (enable_gqa and heads % kv_heads == 0)
    if block_table is not None:
        assert key.dim() == 4
        assert key.shape[1] % 256 == 0
        assert num_splits == 1
        assert seqused_k is not None
        assert block_table.shape[0] == len(seqused_k) == len(cu_seq_q) - 1
        assert bool((block_table >= 0).all())
        assert bool((block_table < len(key)).all())
    scale = scale if scale is not None else query.shape[-1] ** -0.5
    assert int(cu_seq_q.diff().max()) == max_q
    output = torch.full_like(query, float("nan"))
    for row in range(len(cu_seq_q) - 1):
        start, stop = int(cu_seq_q[row]), int(cu_seq_q[row + 1])
        keys, values = _of_row(row, key, value, cu_seq_k, seqused_k, block_table)
        assert 0 < stop - start <= max_q
        assert len(keys) <= max_k
        keys, values = (states.repeat_interleave(heads // kv_heads, dim=1).float() for states in (keys, values))
        scores = torch.einsum("qhd,khd->hqk", query[start:stop].float(), keys) * scale
        own = torch.arange(len(keys) - (stop - start), len(keys))[:, None]
        seen = torch.arange(len(keys))[None]
        left, right = window_size
        hidden = torch.zeros_like(seen > own)
        if right >= 0:
            hidden |= seen > own + right
        if left >= 0:
            hidden |= seen < own - left
        weights = scores.masked_fill(hidden, -torch.inf).softmax(dim=-1)
        output[start:stop] = torch.einsum("hqk,khd->qhd", weights, values).to(query.dtype)
    return output


def _of_row(row, key, value, cu_seq_k, seqused_k, block_table):
    if block_table is None:
        span = slice(int(cu_seq_k[row]), int(cu_seq_k[row + 1]))
        return key[span], value[span]
    blocks, used = block_table[row].long(), int(seqused_k[row])
    return key[blocks].flatten(0, 1)[:used], value[blocks].flatten(0, 1)[:used]


def old_varlen_attn(
    query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, return_aux=None, scale=None, window_size=(-1, -1)
):
    """Like torch 2.11: no block table; grouped queries without being told."""
    return varlen_attn(
        query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, scale=scale, window_size=window_size, enable_gqa=True
    )
