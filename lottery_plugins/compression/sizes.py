"""Bytes that a model really stores, and those that its cache takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from lottery_plugins.compression.held import held_tensors, is_plain
from lottery_plugins.compression.linear import CompressedLinear
from lottery_plugins.errors import ConfigError

__all__ = ["StoredBytes", "kv_bytes_per_token", "stored_bytes"]


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """Bytes of a model's weights; each byte of memory counts once, so tied weights do.

    Attributes:
        total: All that is stored for good, in the types it is stored in: scales, and what libraries keep beside
            parameters, included.
        embedding: Of the input embedding and the output head.
        other: The rest: total - embedding.
        nominal: total without the zeros of linear layers, as if a format could leave them out for nothing.
        zero_ratio: Fraction of the linear layers' weights that are exactly zero.
    """

    total: int
    embedding: int
    other: int
    nominal: int
    zero_ratio: float

    @property
    def note(self) -> str:
        """What a reader must know to read the figures; "" when they speak for themselves."""
        return "zeros are stored densely: they count in total, not in nominal" if self.nominal < self.total else ""


def stored_bytes(model: nn.Module) -> StoredBytes:
    """Count the bytes of a model's weights."""
    total = _distinct_bytes([tensor for _, tensor in held_tensors(model)])
    heads = [head for head in (model.get_input_embeddings(), model.get_output_embeddings()) if head is not None]
    embedding = _distinct_bytes([tensor for head in heads for _, tensor in held_tensors(head)])
    zeros, weights, saved_bits = 0, 0, 0
    for module in model.modules():
        if module in heads:
            continue
        if isinstance(module, CompressedLinear) and not any(module.children()):
            num_zeros, bits = module.num_zeros, module.bits
        elif isinstance(module, nn.Linear) and is_plain(getattr(module, "weight", None)):
            num_zeros = module.weight.numel() - int(torch.count_nonzero(module.weight))
            bits = 8 * module.weight.element_size()
        else:
            continue
        zeros += num_zeros
        weights += module.in_features * module.out_features
        saved_bits += num_zeros * bits
    return StoredBytes(
        total, embedding, total - embedding, total - saved_bits // 8, zeros / weights if weights else 0.0
    )


def kv_bytes_per_token(model: Any) -> int:
    """Bytes of cache that one token takes without a press, from the model's config and type.

    Raises:
        ConfigError: If the config does not tell the number and size of the heads.
    """
    config = model.config.get_text_config(decoder=True)
    heads = config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    if not isinstance(kv_heads, int) or not isinstance(head_dim, int):
        raise ConfigError("KV bytes per token", type(config).__name__, "a config with one head size for all layers")
    return int(2 * config.num_hidden_layers * kv_heads * head_dim * model.dtype.itemsize)


def _distinct_bytes(tensors: list[torch.Tensor]) -> int:
    """Bytes of memory that tensors cover; what several share counts once."""
    spans: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for tensor in tensors:
        if tensor.numel() == 0:
            continue
        extent = 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
        start = tensor.storage_offset() * tensor.element_size()
        key = (str(tensor.device), tensor.untyped_storage().data_ptr())
        spans.setdefault(key, []).append((start, start + extent * tensor.element_size()))
    covered = 0
    for intervals in spans.values():
        reached = 0
        for start, end in sorted(intervals):
            covered += max(end - max(start, reached), 0)
            reached = max(reached, end)
    return covered
