"""Checkpoints that were quantized elsewhere: how they were made, and how large they would be without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from lottery_plugins.compression.held import raw_tensors
from lottery_plugins.compression.sizes import StoredBytes

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
    if hasattr(made, "to_diff_dict"):
        plain = made.to_diff_dict()  # without the defaults
    groups = [group.get("weights") or {} for group in (plain.get("config_groups") or {}).values()]
    kinds = [{"weights": kind["_type"]} for kind in _dicts(plain.get("quant_type")) if "_type" in kind]  # torchao's
    told = {
        key: value for part in (plain, *groups, *kinds) for key, value in part.items() if _says_something(key, value)
    }
    settings = ", ".join(f"{key}={value}" for key, value in sorted(told.items()))
    return f"{getattr(method, 'value', method)}{f' ({settings})' if settings else ''}"


def _dicts(value: object) -> list[Mapping[str, Any]]:
    return [inner for inner in value.values() if isinstance(inner, Mapping)] if isinstance(value, Mapping) else []


def _says_something(key: str, value: object) -> bool:
    is_told = isinstance(value, str | int | float) and value not in ("", False)
    return is_told and key not in _UNTOLD and not key.startswith("_")


def dense_bytes(model: Any, config: Any) -> StoredBytes:
    """Bytes of a model's weights if each were stored as one number, without loading them.

    Args:
        model: As it was loaded, quantized or cast.
        config: That of its checkpoint, which says the type of the weights; a type of its own where it says none.
    """
    named = getattr(config, "dtype", None)  # transformers writes the name where it has saved the config
    named = getattr(torch, named, None) if isinstance(named, str) else named
    dtype = named if isinstance(named, torch.dtype) else model.dtype
    with torch.device("meta"):
        empty = type(model)(config)
    total = _num_numbers(empty) * dtype.itemsize
    heads = [head for head in (empty.get_input_embeddings(), empty.get_output_embeddings()) if head is not None]
    embedding = _num_numbers(*heads) * dtype.itemsize
    return StoredBytes(total, embedding, total - embedding, total, 0.0)


def _num_numbers(*modules: nn.Module) -> int:
    """Elements of all that modules store for good; a tensor that they share counts once."""
    return sum({id(tensor): tensor.numel() for module in modules for _, tensor in raw_tensors(module)}.values())
