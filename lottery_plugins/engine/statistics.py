"""What an engine did: exact counts of tokens, and where the time went."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

__all__ = ["EngineStatistics"]


@dataclass(slots=True, kw_only=True)
class EngineStatistics:
    """Counts since the engine was made.

    Attributes:
        requests: Requests answered.
        prompt_tokens: Tokens of their prompts, history included; contexts and continuations of scored ones.
        cached_tokens: How many of them were found computed.
        forwarded_tokens: Tokens sent through the model, padding left out.
        generated_tokens: Tokens drawn.
        padding_tokens: Tokens sent through the model only to fill a batch.
        wasted_tokens: Forwarded tokens of requests that were cancelled or had to be done again.
        steps: Forward passes.
        rows: Rows of all steps.
        pressed_tokens: Tokens of the prompts, history included, at whose ends KV-cache methods acted.
        kept_tokens: Cached positions that were left of them, a mean over the layers.
        full_bytes: Bytes of an uncompressed cache of them.
        held_bytes: Bytes that were really held of it then: all layers take as many slots as the one that takes most.
        nominal_bytes: Bytes of the positions and encoded groups that were left in each layer.
        evicted_blocks: Cached blocks that had to make room.
        prefill_s: Seconds in the model in steps with prompt tokens.
        decode_s: Seconds in the model in the other steps.
        schedule_s: Seconds of planning, stop checks and bookkeeping.
        first_s: Clock at the first request.
        last_s: Clock at the last answer.
    """

    requests: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    forwarded_tokens: int = 0
    generated_tokens: int = 0
    padding_tokens: int = 0
    wasted_tokens: int = 0
    steps: int = 0
    rows: int = 0
    pressed_tokens: int = 0
    kept_tokens: int = 0
    full_bytes: int = 0
    held_bytes: int = 0
    nominal_bytes: int = 0
    evicted_blocks: int = 0
    prefill_s: float = 0.0
    decode_s: float = 0.0
    schedule_s: float = 0.0
    first_s: float | None = None
    last_s: float | None = None

    @property
    def hit_rate(self) -> float:
        """Share of the prompt tokens that were not computed again, in [0, 1]."""
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else 0.0

    @property
    def busy_share(self) -> float:
        """Share of the time between the first request and the last answer in which the model ran, in [0, 1]."""
        return min(1.0, (self.prefill_s + self.decode_s) / self._span_s) if self._span_s > 0 else 0.0

    def begin(self) -> EngineStatistics:
        """A copy of the counts so far, for `since`; the clock starts at the next request."""
        copy = replace(self)
        self.first_s = None
        return copy

    def since(self, before: EngineStatistics) -> EngineStatistics:
        """The counts after `begin` gave `before`."""
        counts = [f.name for f in fields(self) if f.name not in ("first_s", "last_s")]
        grown: dict[str, Any] = {name: getattr(self, name) - getattr(before, name) for name in counts}
        return EngineStatistics(**grown, first_s=self.first_s, last_s=self.last_s)

    def __add__(self, other: EngineStatistics) -> EngineStatistics:
        """The counts of two engines; the time between first request and last answer is that of both together."""
        counts = [f.name for f in fields(self) if f.name not in ("first_s", "last_s")]
        both: dict[str, Any] = {name: getattr(self, name) + getattr(other, name) for name in counts}
        return EngineStatistics(**both, first_s=0.0, last_s=self._span_s + other._span_s)

    @property
    def _span_s(self) -> float:
        return (self.last_s or 0.0) - (self.first_s or 0.0)

    def count_step(self, *, rows: int, tokens: int, seconds: float, is_prefill: bool) -> None:
        """One forward pass."""
        self.steps += 1
        self.rows += rows
        self.forwarded_tokens += tokens
        if is_prefill:
            self.prefill_s += seconds
        else:
            self.decode_s += seconds

    def to_json(self) -> dict[str, Any]:
        """Plain data for ledger.json, with the shares."""
        data = asdict(self)
        for name in ("first_s", "last_s"):
            del data[name]
        return {**data, "hit_rate": self.hit_rate, "busy_share": self.busy_share}
