"""Compression methods that act on the KV cache: which positions stay, and in how many bits.

Axis names: batch, heads, kv_heads (each serves a group of heads / kv_heads query heads), seq_len (cached positions,
pads included), num_queries, head_dim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from lottery_plugins.errors import BackendError
from lottery_plugins.protocols.compression import CompressionMethod, removed_count

if TYPE_CHECKING:
    import torch

__all__ = ["Demands", "KVPress", "KVQuantizer", "LayerView", "checked_score", "demands", "encoded_count", "kept_count"]


@dataclass(frozen=True, slots=True)
class LayerView:
    """What a press may look at: one layer's cache when it is compressed.

    Attributes:
        layer: Index of the layer.
        keys: (batch, kv_heads, seq_len, head_dim), rotary positions applied.
        values: (batch, kv_heads, seq_len, head_dim).
        valid: (batch, seq_len) bool; False on padding, which is on the left.
        num_layers: Layers of the model.
        queries: (batch, heads, num_queries, head_dim), rotary positions applied: those of the last positions of the
            cache, at most as many as the press asks for. None where it asks for none.
        query_valid: (batch, num_queries) bool; False for a query of padding. None with `queries`.
        scaling: Factor of the attention scores.
        mass: (batch, kv_heads, seq_len) float32: the attention that each position has received from all queries so far,
            its own included, as a mean over the heads of a group. None where the press does not ask for it.
    """

    layer: int
    keys: torch.Tensor
    values: torch.Tensor
    valid: torch.Tensor
    num_layers: int = 1
    queries: torch.Tensor | None = None
    query_valid: torch.Tensor | None = None
    scaling: float = 1.0
    mass: torch.Tensor | None = None


@runtime_checkable
class KVPress(CompressionMethod, Protocol):
    """A method that rates cached positions; the lowest rated are removed.

    A press may have more attributes, which `demands` and `kept_count` read: `num_queries`, `needs_mass`,
    `prefill_interval`, `decoding_interval` and `kept_in_layer(num_tokens, layer, num_layers) -> int`.

    Attributes:
        compression_ratio: Fraction of the valid positions removed, in [0, 1). Of n positions, n - floor(ratio * n)
            stay (`removed_count`), so at least one does. 0 leaves generation alone.
    """

    compression_ratio: float

    def score(self, view: LayerView) -> torch.Tensor:
        """Rate positions, higher is kept: finite float32 of (batch, kv_heads, seq_len). The caller masks pads."""
        ...


@dataclass(frozen=True, slots=True)
class Demands:
    """What a press asks of the engine beside keys and values.

    Attributes:
        num_queries: Last queries that `score` looks at.
        needs_mass: Whether it looks at the attention that positions have received.
        prefill_interval: Compress also after every so many tokens of the prompt, before the next are read; 0: only at
            its end.
        decoding_interval: Compress also after every so many generated tokens; 0: not while generating.
    """

    num_queries: int = 0
    needs_mass: bool = False
    prefill_interval: int = 0
    decoding_interval: int = 0


def demands(press: KVPress) -> Demands:
    """What a press asks for; whatever it does not declare is not asked for."""
    return Demands(
        num_queries=getattr(press, "num_queries", 0),
        needs_mass=getattr(press, "needs_mass", False),
        prefill_interval=getattr(press, "prefill_interval", 0),
        decoding_interval=getattr(press, "decoding_interval", 0),
    )


def kept_count(press: KVPress, num_tokens: int, layer: int = 0, num_layers: int = 1) -> int:
    """Positions that a layer keeps of a text of `num_tokens`; where fewer are cached, those stay.

    A press with budgets of its own for each layer has `kept_in_layer`; all others keep n - floor(ratio * n).
    """
    in_layer = getattr(press, "kept_in_layer", None)
    if in_layer is not None and press.compression_ratio > 0:
        return max(1, min(num_tokens, int(in_layer(num_tokens, layer, num_layers))))
    return num_tokens - removed_count(num_tokens, press.compression_ratio)


@runtime_checkable
class KVQuantizer(CompressionMethod, Protocol):
    """A method that stores cached positions in few bits: groups of positions, each row and head for itself.

    The oldest groups are encoded; what is encoded stays so. All functions are pure, so that a row in a batch gives what
    it gives alone.

    Attributes:
        group_size: Positions that are encoded together.
        residual: Latest positions that stay as they are, at least.
        decoding_interval: Generated tokens after which the groups that are due are encoded; 0: at the end of each
            prompt only.
    """

    group_size: int
    residual: int
    decoding_interval: int

    def group_bytes(self, head_dim: int) -> int:
        """Bytes of the keys, and as many of the values, of one group of one head."""
        ...

    def encode_keys(self, keys: torch.Tensor) -> torch.Tensor:
        """Keys of (..., group_size, head_dim) as uint8 of (..., group_bytes)."""
        ...

    def decode_keys(self, data: torch.Tensor, head_dim: int) -> torch.Tensor:
        """The keys that the bytes stand for, float32 of (..., group_size, head_dim)."""
        ...

    def encode_values(self, values: torch.Tensor) -> torch.Tensor:
        """Values of (..., group_size, head_dim) as uint8 of (..., group_bytes)."""
        ...

    def decode_values(self, data: torch.Tensor, head_dim: int) -> torch.Tensor:
        """The values that the bytes stand for, float32 of (..., group_size, head_dim)."""
        ...


def encoded_count(quantizer: KVQuantizer, num_positions: int) -> int:
    """How many of the cached positions, the oldest, are to be encoded: whole groups, and the residual left alone."""
    return max(0, num_positions - quantizer.residual) // quantizer.group_size * quantizer.group_size


def checked_score(press: KVPress, view: LayerView) -> torch.Tensor:
    """A press's scores, (batch, kv_heads, seq_len).

    Raises:
        BackendError: They are not finite, or not one per position and head.
    """
    score = press.score(view)
    shape = tuple(view.keys.shape[:3])
    if tuple(score.shape) != shape or not bool(score.isfinite().all()):
        problem = f"scored layer {view.layer} with {tuple(score.shape)}, or not finite"
        raise BackendError(f"compression: {press.name}", problem, f"Return finite scores of {shape}.")
    return score
