"""The KV-cache methods of a run over the layers of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lottery_plugins.backends.packed import support
from lottery_plugins.backends.packed.cache import LayerShape, bytes_per_position
from lottery_plugins.backends.packed.groups import group_slots
from lottery_plugins.engine.compression import CacheMethods
from lottery_plugins.protocols.kv_cache import KVPress, KVQuantizer

__all__ = ["cache_methods"]


def cache_methods(
    model: Any, layers: Sequence[LayerShape], press: KVPress | None, quantizer: KVQuantizer | None
) -> CacheMethods | None:
    """The methods and their sizes; None where nothing is compressed: a press of ratio 0 leaves all as it is.

    Raises:
        ConfigError: The model has sliding windows, or encoded groups would be larger than what they stand for.
    """
    if press is not None and not press.compression_ratio:
        press = None
    if press is None and quantizer is None:
        return None
    if any(shape.window is not None for shape in layers):
        names = " + ".join(method.name for method in (press, quantizer) if method is not None)
        raise support.refusal(model, "sliding window", f"a model with full attention in every layer, for {names}")
    return CacheMethods(
        press=press,
        quantizer=quantizer,
        position_bytes=tuple(bytes_per_position([shape]) for shape in layers),
        group_bytes=tuple(2 * s.kv_heads * quantizer.group_bytes(s.head_dim) if quantizer else 0 for s in layers),
        group_slots=group_slots(quantizer, layers) if quantizer else 0,
    )
