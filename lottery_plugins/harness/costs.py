"""What the ledger says of a run's model: bytes of weights and cache, operations of its forward passes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lottery_plugins.errors import ConfigError
from lottery_plugins.ledger import WeightBytes
from lottery_plugins.trajectory import PROXY, Trajectory

__all__ = ["KVBytes", "flops_of", "kv_bytes", "weight_bytes"]

_SPARSE = 0.01


def weight_bytes(
    model: Any, report: Any, record: Mapping[str, Any] | None, *, dense: Any = None, made: str = ""
) -> WeightBytes:
    """Bytes of a model's weights, beside those of the original.

    Args:
        model: As it runs.
        report: Of the compression in this run; None where there was none.
        record: Of the checkpoint that the model was read from; None where it is none of ours.
        dense: Bytes of the checkpoint's weights before it was cast or quantized elsewhere; None where it
            was not.
        made: How it was quantized elsewhere; "" where it was not.
    """
    from lottery_plugins.compression.sizes import stored_bytes

    # compressed-tensors widens its layers at the first forward, so those of others are counted as they are by now
    after = report.after if report and not made else stored_bytes(model)
    before = dense or (report.before if report else after)
    made_of = record.get("before") if record else None
    if not isinstance(made_of, Mapping):
        made_of = {}
    is_sparse = after.zero_ratio >= _SPARSE  # a few weights are zero in any model
    notes = [after.note if is_sparse else "", f"the checkpoint was quantized by {made}" if made else ""]
    if made and after.total >= before.total:
        notes.append("its weights are widened here, so nothing is saved")
    return WeightBytes(
        stored=after.total,
        embedding=after.embedding,
        original_stored=_whole(made_of.get("total"), before.total),
        original_embedding=_whole(made_of.get("embedding"), before.embedding),
        nominal=after.nominal if is_sparse else None,
        note="; ".join(filter(None, notes)),
    )


def _whole(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and value > 0 else otherwise


@dataclass(frozen=True, slots=True)
class KVBytes:
    """Cache bytes of one token.

    Attributes:
        original: Without a KV-cache method; None where the config does not tell.
        real: As the run held it, measured over its prompts; None where nothing was measured.
        nominal: As the method's own arithmetic has it: positions and encoded groups that were left.
        kept_share: Share of the positions that were left.
    """

    original: float | None
    real: float | None
    nominal: float | None
    kept_share: float


def kv_bytes(model: Any, press: Any, counted: Any, *, has_method: bool) -> KVBytes:
    """Bytes of the cache with and without the run's KV-cache methods.

    Args:
        model: As it runs.
        press: The methods attached to the model's own cache; None where an engine has them.
        counted: What the engine counted; None where it counts nothing.
        has_method: Whether there are such methods at all.
    """
    from lottery_plugins.compression.sizes import kv_bytes_per_token

    try:
        each = float(kv_bytes_per_token(model))
    except ConfigError:  # a model without one head size for all layers: not measured, and shown so
        return KVBytes(None, None, None, 1.0)
    if not has_method:
        return KVBytes(each, each, each, 1.0)
    if press is not None:
        found = press.statistics
        tokens, kept, left = found.prompt_tokens, found.kept_tokens, found.packed_bytes_after
        full, held = found.bytes_before, found.bytes_after
    elif counted is not None:
        tokens, kept, left = counted.pressed_tokens, counted.kept_tokens, counted.nominal_bytes
        full, held = counted.full_bytes, counted.held_bytes
    if (press is None and counted is None) or not tokens or not full:
        return KVBytes(each, None, None, 1.0)
    return KVBytes(each, each * held / full, left / tokens, kept / tokens)


def flops_of(trajectory: Trajectory, cost: Any, kept_share: float) -> float | None:
    """Operations of the model's forward passes in one trajectory; None as soon as one was not counted.

    Args:
        trajectory: Its steps.
        cost: What a token costs (`compression.flops.ForwardCost`); None: unknown.
        kept_share: As in `KVBytes`.
    """
    steps = [s for s in trajectory.steps if s.kind in ("generate", "score") and s.tool != PROXY]
    return _sum(
        None
        if cost is None or step.prompt_tokens is None or step.forwarded_tokens is None
        else cost.of(step.prompt_tokens, step.cached_tokens, step.forwarded_tokens, kept_share)
        for step in steps
    )


def _sum(values: Iterable[float | None]) -> float | None:
    found = list(values)
    return None if any(value is None for value in found) else sum(value or 0.0 for value in found)
