"""Compression methods: from an original model f to a smaller g. Those that act on the KV cache: `protocols.kv_cache`.

Axis names: rows/cols of a weight matrix (out_features, in_features).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

__all__ = [
    "CalibrationData",
    "CompressionMethod",
    "LoadMethod",
    "Stage",
    "WeightMethod",
    "conflict_between",
    "removed_count",
]

Stage = Literal["load", "weights", "kv-cache"]
"""When a method acts: as the model is loaded, once after that, or on the KV cache while it generates."""


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

    A method may have `conflicts: ClassVar[Mapping[str, str]]`: names of methods that it can't be joined with, and why.

    Attributes:
        stage: When it acts, and on what.
        order: Methods joined with `+` run in ascending order: load 0, whole layers 5, low rank 8, pruning 10, weight
            quantization 20, dropping cached positions 30, quantizing the cache 40. Two methods of the same order
            can't be joined.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    stage: ClassVar[Stage]
    order: ClassVar[int]


def conflict_between(first: CompressionMethod, second: CompressionMethod) -> str:
    """Why two methods can't be joined, as one of them declares it; "" when neither does."""
    for method, other in ((first, second), (second, first)):
        reasons: Mapping[str, str] = getattr(method, "conflicts", {})
        if other.name in reasons:
            return reasons[other.name]
    return ""


@runtime_checkable
class LoadMethod(CompressionMethod, Protocol):
    """A method that acts as the model is loaded: another type, another file."""

    def load_arguments(self) -> Mapping[str, Any]:
        """Arguments for `from_pretrained`, e.g. {"dtype": "bfloat16"}; one that the user gives too is an error."""
        ...


@runtime_checkable
class WeightMethod(CompressionMethod, Protocol):
    """A method that makes a compressed model out of a loaded one.

    A method that runs text through the model has the options `num_calibration` and `sequence_length`, which say how
    much, and `calibration` and `calibration_seed`, which say what; see `compression.calibration`.
    """

    @property
    def needs_calibration(self) -> bool:
        """Whether `compress` runs text through the model; a class attribute, or with these options."""
        ...

    def compress(self, model: Any, calibration: CalibrationData | None) -> Any:
        """A compressed model; the given one is not changed.

        Args:
            model: A transformers causal model in eval mode.
            calibration: Given when `needs_calibration`; None otherwise.

        Returns:
            A model that shares with the given one all tensors that were not compressed.
        """
        ...
