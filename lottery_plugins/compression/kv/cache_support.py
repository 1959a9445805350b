"""Which models and caches a press can serve, and how large a cache is."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from lottery_plugins.compression.kv.pressed_layer import PressedLayer
from lottery_plugins.errors import ConfigError

__all__ = ["cache_bytes", "check_cache", "check_model", "input_shape", "valid_positions"]

_LEAVE_OUT = "Leave the KV method out for this model."


def check_model(model: Any, where: str) -> int:
    """Refuse a model whose cache or positions a press would get wrong.

    Returns:
        Layers of its cache.

    Raises:
        ConfigError: Naming the model and the reason.
    """
    config, name = model.config, type(model).__name__
    if config.is_encoder_decoder:
        raise ConfigError(where, f"{name} (encoder-decoder)", "a decoder-only model", _LEAVE_OUT)
    alibi = getattr(config, "alibi", False) or getattr(getattr(config, "attn_config", None), "alibi", False)
    if alibi or "position_ids" not in inspect.signature(model.forward).parameters:
        raise ConfigError(where, f"{name} (positions from the mask)", "a model that takes position_ids", _LEAVE_OUT)
    layers = DynamicCache(config=config).layers
    unserved = {type(layer).__name__ for layer in layers if type(layer) is not DynamicLayer}
    if unserved:
        kinds = ", ".join(sorted(unserved))
        allowed = "a model with full attention in every layer"
        raise ConfigError(where, f"{name} (cache layers: {kinds})", allowed, _LEAVE_OUT)
    return len(layers)


def check_cache(cache: Any, where: str) -> None:
    """Refuse a cache that is not transformers' plain growing one.

    Raises:
        ConfigError: Naming the cache's class.
    """
    plain = isinstance(cache, DynamicCache) and not cache.offloading
    if not plain or any(type(layer) not in (DynamicLayer, PressedLayer) for layer in cache.layers):
        hint = "Leave cache_implementation out, or the KV method."
        raise ConfigError(where, type(cache).__name__, "transformers' DynamicCache, not offloaded", hint)


def input_shape(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[int, int]:
    """Rows and tokens of a forward, from its arguments."""
    inputs = kwargs.get("input_ids")
    inputs = kwargs.get("inputs_embeds") if inputs is None else inputs
    inputs = args[0] if inputs is None else inputs
    return int(inputs.shape[0]), int(inputs.shape[1])


def valid_positions(mask: Any, shape: tuple[int, int], where: str) -> torch.Tensor:
    """Which positions of a prompt are tokens, (batch, prompt length) bool.

    Raises:
        ConfigError: If the mask is not None or of that shape, or pads are not on the left.
    """
    if mask is None:
        return torch.ones(shape, dtype=torch.bool)
    if getattr(mask, "shape", None) != shape:
        got = f"an attention mask of {tuple(getattr(mask, 'shape', ()))}"
        raise ConfigError(where, got, f"one of {shape}: batch and prompt length")
    valid: torch.Tensor = mask.to(dtype=torch.bool)
    if not bool(valid[:, -1].all()) or bool((valid[:, :-1] & ~valid[:, 1:]).any()):
        raise ConfigError(where, "padding behind or between tokens", "a batch padded on the left")
    return valid


def cache_bytes(cache: DynamicCache) -> int:
    """Bytes of all keys and values as stored."""
    return sum(tensor.nbytes for layer in cache.layers for tensor in (layer.keys, layer.values))
