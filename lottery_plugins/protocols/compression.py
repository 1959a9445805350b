"""Compression methods: from an original model f to a smaller g.

Axis names: batch, heads, kv_heads, seq_len (cached positions, pads included), head_dim, rows/cols of a weight matrix
(out_features, in_features).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from lottery_plugins.errors import BackendError

if TYPE_CHECKING:
    import torch

__all__ = [
    "CalibrationData",
    "CompressionMethod",
    "KVPress",
    "LayerView",
    "Stage",
    "WeightMethod",
    "checked_score",
    "removed_count",
]

Stage = Literal["weights", "kv-cache"]
"""When a method acts: once after the model is loaded, or on the KV cache while it generates."""


def removed_count(total: int, ratio: float) -> int:
    """How many of `total` a ratio removes: floor(ratio * total), with the ratio read as the decimal it is written as.

    So 0.29 of 100 is 29, where binary floating point has 28.999999999999996; a ratio below 1 never removes all.
    """
    return math.floor(Fraction(repr(float(ratio))) * total)


@dataclass(frozen=True, slots=True)
class CalibrationData:
    """Token sequences that a method may run through the model.

    Attributes:
        input_ids: Sequences of equal length, each a tuple of token ids.
        source: Where the text came from, for the ledger: "bundled:<name>" or the user's file.
    """

    input_ids: Sequence[tuple[int, ...]]
    source: str


@runtime_checkable
class CompressionMethod(Protocol):
    """What every method declares. Options are dataclass fields; see `protocols.plugin`.

    Attributes:
        stage: When it acts, and on what.
        order: Methods joined with `+` run in ascending order (pruning 10, quantization 20, cache 30). Two methods of
            the same order can't be joined.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    stage: ClassVar[Stage]
    order: ClassVar[int]


@runtime_checkable
class WeightMethod(CompressionMethod, Protocol):
    """A method that makes a compressed model out of a loaded one.

    Attributes:
        needs_calibration: Whether `compress` runs text through the model. Then the options `num_calibration` and
            `sequence_length` say how much, and `calibration` which: "bundled" or the path of a text file.
    """

    needs_calibration: ClassVar[bool]

    def compress(self, model: Any, calibration: CalibrationData | None) -> Any:
        """A compressed model; the given one is not changed.

        Args:
            model: A transformers causal model in eval mode.
            calibration: Given when `needs_calibration`; None otherwise.

        Returns:
            A model that shares with the given one all tensors that were not compressed.
        """
        ...


@dataclass(frozen=True, slots=True)
class LayerView:
    """What a press may look at: one layer's cache at the end of prefill.

    Attributes:
        layer: Index of the layer.
        keys: (batch, kv_heads, seq_len, head_dim), rotary positions applied.
        values: (batch, kv_heads, seq_len, head_dim).
        valid: (batch, seq_len) bool; False on padding.
    """

    layer: int
    keys: torch.Tensor
    values: torch.Tensor
    valid: torch.Tensor


@runtime_checkable
class KVPress(CompressionMethod, Protocol):
    """A method that rates cached positions; the lowest rated are removed.

    Attributes:
        compression_ratio: Fraction of the valid positions removed, in [0, 1). Of n positions, n - floor(ratio * n)
            stay (`removed_count`), so at least one does. 0 leaves generation alone.
    """

    compression_ratio: float

    def score(self, view: LayerView) -> torch.Tensor:
        """Rate positions, higher is kept: finite float32 of (batch, kv_heads, seq_len). The caller masks pads."""
        ...


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
