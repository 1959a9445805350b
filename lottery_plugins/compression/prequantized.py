"""Checkpoints that were quantized elsewhere: how they were made, and how large they would be without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

__all__ = ["dense_bytes", "how_quantized"]

_UNTOLD = frozenset({"quant_method", "version", "quantization_status", "global_compression_ratio", "meta"})
"""Settings of a quantization that say nothing about its numbers."""


def how_quantized(config: Any) -> str:
    """The quantization that a model's config tells of: "gptq (bits=4, group_size=64)"; "" for none.

    Args:
        config: Of a transformers model, loaded or not.
    """
    made = getattr(config, "quantization_config", None)
    if made is None:
        return ""
    plain: Mapping[str, Any] = made if isinstance(made, Mapping) else made.to_dict()
    method = plain.get("quant_method", "unknown")
    groups = [group.get("weights") or {} for group in (plain.get("config_groups") or {}).values()]
    told = {key: value for part in (plain, *groups) for key, value in part.items() if key not in _UNTOLD}
    settings = ", ".join(f"{key}={value}" for key, value in sorted(told.items()) if _says_something(value))
    return f"{getattr(method, 'value', method)}{f' ({settings})' if settings else ''}"


def _says_something(value: object) -> bool:
    return isinstance(value, str | int | float) and value not in ("", False, None)


def dense_bytes(model: Any, config: Any) -> int:
    """Bytes of a model's weights if each were stored as one number, without loading them.

    Args:
        model: As it was loaded, quantized or cast.
        config: That of its checkpoint, which says the type of the weights; a type of its own where it says none.
    """
    dtype = getattr(config, "dtype", None) or model.dtype
    with torch.device("meta"):
        empty = type(model)(config)
    kept = [*empty.parameters(), *(tensor for name, tensor in empty.named_buffers() if name in empty.state_dict())]
    return sum(tensor.numel() * dtype.itemsize for tensor in kept)
