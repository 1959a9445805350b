"""Applying compression methods to a loaded model, in order, with a report of what it did."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import (
    CalibrationData,
    CompressionMethod,
    LoadMethod,
    WeightMethod,
    conflict_between,
)
from lottery_plugins.protocols.kv_cache import KVPress, KVQuantizer

if TYPE_CHECKING:
    from lottery_plugins.compression.kv.press import AttachedPress
    from lottery_plugins.compression.sizes import StoredBytes

__all__ = ["CompressedModel", "CompressionReport", "MethodRecord", "apply", "check_composition", "records_of"]

_ORDER_WORDS = {
    0: "act as the model is loaded",
    5: "drop whole layers",
    8: "lower the rank of weights",
    10: "prune weights",
    20: "quantize weights",
    30: "drop cached positions",
    40: "quantize the cache",
}


@dataclass(frozen=True, slots=True)
class MethodRecord:
    """One method as it was applied."""

    name: str
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CompressionReport:
    """What was done to a model, for the ledger.

    Attributes:
        methods: In the order they were applied.
        before: Bytes of the given model.
        after: Bytes of the compressed model.
        kv_bytes_per_token: Cache bytes of one token, without a press.
        kv_compression_ratio: Fraction of the text's cached positions that a press removes.
        calibration_source: Where calibration text came from; "" when none was used.
        seconds: Wall time of all of it.
    """

    methods: tuple[MethodRecord, ...]
    before: StoredBytes
    after: StoredBytes
    kv_bytes_per_token: int
    kv_compression_ratio: float
    calibration_source: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries, lists and numbers, with the notes of the byte counts."""
        plain = asdict(self)
        plain["before"]["note"], plain["after"]["note"] = self.before.note, self.after.note
        return plain


@dataclass(frozen=True, slots=True)
class CompressedModel:
    """A compressed model, ready for `generate` and forward.

    Attributes:
        model: Shares with the original all tensors that were not compressed.
        press: What acts on the KV cache, at work in `model` and measuring; None without such a method, or where it was
            not attached.
        report: What was done.
    """

    model: Any
    press: AttachedPress | None
    report: CompressionReport


def apply(
    methods: Sequence[CompressionMethod],
    model: Any,
    tokenizer: Any = None,
    *,
    calibration: CalibrationData | None = None,
    attach: bool = True,
) -> CompressedModel:
    """Compress a model with some methods, joined in the order each declares.

    Args:
        methods: Any number; with none the result is a clone that shares every tensor.
        model: A transformers causal model in eval mode; neither it nor its tensors are changed.
        tokenizer: Needed when a method uses calibration text.
        calibration: Used instead of the text that the methods' own options name.
        attach: Whether a KV-cache method goes to work in the model's own cache; False leaves that to the caller, whose
            engine has a cache of its own.

    Raises:
        ConfigError: If methods can't be joined, or a method can't serve this model.
        DataError: If calibration text can't be read or is too short.
    """
    from lottery_plugins.compression.kv.cache_support import check_model
    from lottery_plugins.compression.kv.press import AttachedPress
    from lottery_plugins.compression.sizes import kv_bytes_per_token, stored_bytes

    started = time.perf_counter()
    ordered = check_composition(methods)
    press = next((method for method in ordered if isinstance(method, KVPress)), None)
    quantizer = next((method for method in ordered if isinstance(method, KVQuantizer)), None)
    for method in (press, quantizer):
        if method is not None:
            check_model(model, f"compression: {method.name}")  # before minutes of calibration
    compressed, source = _compress_weights(ordered, model, tokenizer, calibration)
    work = AttachedPress(press, compressed, quantizer) if attach and (press or quantizer) else None
    report = CompressionReport(
        methods=records_of(ordered),
        before=stored_bytes(model),
        after=stored_bytes(compressed),
        kv_bytes_per_token=kv_bytes_per_token(model),
        kv_compression_ratio=0.0 if press is None else press.compression_ratio,
        calibration_source=source,
        seconds=time.perf_counter() - started,
    )
    return CompressedModel(compressed, work, report)


def check_composition(methods: Sequence[CompressionMethod]) -> list[CompressionMethod]:
    """The methods in the order they run.

    Raises:
        ConfigError: If two of them act at the same place in the order, or one declares a conflict with another.
    """
    ordered = sorted(methods, key=lambda method: method.order)
    for first, second in itertools.combinations(ordered, 2):
        got = f"{first.name}+{second.name}"
        if first.order == second.order:
            both = _ORDER_WORDS.get(first.order, f"act at order {first.order}")
            raise ConfigError("compression", got, "one method of each kind", f"Both {both}; leave one out.")
        reason = conflict_between(first, second)
        if reason:
            raise ConfigError("compression", got, "methods that go together", reason)
    return ordered


def _compress_weights(
    ordered: Sequence[CompressionMethod], model: Any, tokenizer: Any, calibration: CalibrationData | None
) -> tuple[Any, str]:
    """The model after all weight methods, and where calibration text came from."""
    from lottery_plugins.compression.structure import structural_clone

    compressed, sources = structural_clone(model), dict[str, None]()  # as a set that keeps its order
    for method in ordered:
        if isinstance(method, LoadMethod):
            where, hint = (
                f"compression: {method.name}",
                "Load the model with its `load_arguments()`, and leave it out here.",
            )
            raise ConfigError(where, "a model that is loaded already", "a run that loads the model", hint)
        if isinstance(method, WeightMethod):
            data = _calibration_for(method, tokenizer, calibration)
            if data:
                sources[data.source] = None
            compressed = method.compress(compressed, data)
    return compressed, "; ".join(sources)


def _calibration_for(method: WeightMethod, tokenizer: Any, given: CalibrationData | None) -> CalibrationData | None:
    """The data a method runs on; None when it needs none."""
    if not method.needs_calibration:
        return None
    if given is not None:
        return given
    if tokenizer is None:
        hint = "Give apply() a tokenizer or calibration data."
        raise ConfigError(f"compression: {method.name}", None, "a tokenizer for the calibration text", hint)
    from lottery_plugins.compression.calibration import BUNDLED, build_calibration

    text = getattr(method, "calibration", BUNDLED)
    num, length = getattr(method, "num_calibration", 16), getattr(method, "sequence_length", 128)
    return build_calibration(tokenizer, text, num, length, getattr(method, "calibration_seed", 0))


def records_of(methods: Sequence[Any]) -> tuple[MethodRecord, ...]:
    """Names and option values of some methods."""
    return tuple(MethodRecord(m.name, {field.name: getattr(m, field.name) for field in fields(m)}) for m in methods)
