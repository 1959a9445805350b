"""Which models and caches a press can serve, and how large a cache is."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from lottery_plugins.errors import ConfigError

__all__ = ["cache_bytes", "check_cache", "check_model", "valid_positions"]

_LEAVE_OUT = "Leave the KV method out for this model."


def check_model(model: Any, where: str) -> None:
    """Refuse a model whose cache or positions a press would get wrong.

    Raises:
        ConfigError: Naming the model and the reason.
    """
    config, name = model.config, type(model).__name__
    if config.is_encoder_decoder:
        raise ConfigError(where, f"{name} (encoder-decoder)", "a decoder-only model", _LEAVE_OUT)
    alibi = getattr(config, "alibi", False) or getattr(getattr(config, "attn_config", None), "alibi", False)
    if alibi or "position_ids" not in inspect.signature(model.forward).parameters:
        raise ConfigError(where, f"{name} (positions from the mask)", "a model that takes position_ids", _LEAVE_OUT)
    unserved = {type(layer).__name__ for layer in DynamicCache(config=config).layers if type(layer) is not DynamicLayer}
    if unserved:
        kinds = ", ".join(sorted(unserved))
        allowed = "a model with full attention in every layer"
        raise ConfigError(where, f"{name} (cache layers: {kinds})", allowed, _LEAVE_OUT)


def check_cache(cache: Any, where: str) -> None:
    """Refuse a cache that is not transformers' plain growing one.

    Raises:
        ConfigError: Naming the cache's class.
    """
    plain = isinstance(cache, DynamicCache) and not cache.offloading
    if not plain or any(type(layer) is not DynamicLayer for layer in cache.layers):
        hint = "Leave cache_implementation out, or the KV method."
        raise ConfigError(where, type(cache).__name__, "transformers' DynamicCache, not offloaded", hint)


def valid_positions(cache: DynamicCache, mask: Any, where: str) -> torch.Tensor:
    """Which positions of a freshly filled cache are tokens, (batch, seq_len) bool.

    Raises:
        ConfigError: If the mask is not None or of that shape.
    """
    keys = cache.layers[0].keys
    shape = (keys.shape[0], keys.shape[2])
    if mask is None:
        return torch.ones(shape, dtype=torch.bool, device=keys.device)
    if getattr(mask, "shape", None) != shape:
        got = f"an attention mask of {tuple(getattr(mask, 'shape', ()))}"
        raise ConfigError(where, got, f"one of {shape}: batch and prompt length")
    return mask.to(device=keys.device, dtype=torch.bool)


def cache_bytes(cache: DynamicCache) -> int:
    """Bytes of all keys and values as stored."""
    return sum(tensor.nbytes for layer in cache.layers for tensor in (layer.keys, layer.values))
