"""What KV-cache methods do to a cache, in numbers: when they act, how much stays, and how many slots it takes.

All of it follows from the lengths of a text's parts, so that the memory of a job is known before it starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from lottery_plugins.engine.statistics import EngineStatistics
from lottery_plugins.protocols.kv_cache import Demands, KVPress, KVQuantizer, demands, encoded_count, kept_count
from lottery_plugins.protocols.runner import Layout

__all__ = ["CacheMethods", "CacheState"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheState:
    """What of a text is cached.

    Attributes:
        text: Tokens of the text that were read.
        cached: Slots that they take.
        layout: See `protocols.runner.Held`.
        pressed_at: Tokens of the text when positions were last chosen; 0 before.
        encoded_at: Tokens of the text when groups were last encoded; 0 before.
        compressed_at: Tokens of the text when one of these last changed the cache; None before.
    """

    text: int = 0
    cached: int = 0
    layout: Layout | None = None
    pressed_at: int = 0
    encoded_at: int = 0
    compressed_at: int | None = None

    def read(self, text: int) -> CacheState:
        """After reading on to `text` tokens; or taken back to them, not behind `compressed_at`."""
        cached = self.cached + text - self.text
        pressed_at, encoded_at = min(self.pressed_at, text), min(self.encoded_at, text)
        return replace(self, text=text, cached=cached, pressed_at=pressed_at, encoded_at=encoded_at)

    def same_cache(self, other: CacheState) -> bool:
        """Whether nothing has to be done to come from one to the other."""
        return self.cached == other.cached and self.layout == other.layout


@dataclass(frozen=True, kw_only=True)
class CacheMethods:
    """The KV-cache methods of a run, at least one. First positions are chosen, then the oldest of them encoded.

    The press acts at the end of each prompt, every `prefill_interval` tokens while a prompt is read, and every
    `decoding_interval` tokens while one is answered, counted from the last time it acted. The quantizer acts at the end
    of each prompt, every `decoding_interval` tokens of its own, and in layers from which the press drops positions.

    Attributes:
        press: Chooses what stays; None for none.
        quantizer: Encodes groups; None for none.
        position_bytes: Per layer the bytes of one position.
        group_bytes: Per layer the bytes of one encoded group.
        group_slots: Slots that an encoded group takes.
    """

    press: KVPress | None = None
    quantizer: KVQuantizer | None = None
    position_bytes: tuple[int, ...] = (1,)
    group_bytes: tuple[int, ...] = (0,)
    group_slots: int = 0
    _kept: dict[int, list[int]] = field(default_factory=dict, compare=False)

    @cached_property
    def wants(self) -> Demands:
        """What the press asks for."""
        return Demands() if self.press is None else demands(self.press)

    @property
    def observes(self) -> bool:
        """Whether the press looks at more than keys and values."""
        return self.wants.num_queries > 0 or self.wants.needs_mass

    @property
    def observes_decoding(self) -> bool:
        """Whether generated tokens are observed too."""
        return self.wants.needs_mass or (self.wants.num_queries > 0 and self.wants.decoding_interval > 0)

    def num_findable(self, num_context: int) -> int:
        """Tokens of a new text that may be found computed: the others are read for their logits and queries."""
        if self.wants.needs_mass:
            return 0
        first = min(num_context, self.wants.prefill_interval or num_context)
        return max(0, first - max(1, self.wants.num_queries))

    def acts_at(self, state: CacheState, num_context: int, is_scored: bool) -> int | None:
        """Tokens of the text when a method acts next; None: never again.

        Args:
            state: Now.
            num_context: Tokens of the prompt, history included, or of the context of a score.
            is_scored: Whether what follows them is only scored.
        """
        if state.text < num_context:
            every = self.wants.prefill_interval if self.press else 0
            return min(num_context, max(state.pressed_at + every, state.text + 1)) if every else num_context
        if is_scored:
            return None
        due = [] if not self.wants.decoding_interval else [state.pressed_at + self.wants.decoding_interval]
        if self.quantizer is not None and self.quantizer.decoding_interval:
            due.append(state.encoded_at + self.quantizer.decoding_interval)
        return max(min(due), state.text + 1) if due else None

    def acted(self, state: CacheState, num_context: int) -> CacheState:
        """After the methods have acted, at a time that `acts_at` tells."""
        held, groups = self._held(state), self._groups(state)
        every = self.wants.prefill_interval if state.text < num_context else self.wants.decoding_interval
        presses = self.press is not None and _is_due(state, num_context, state.pressed_at, every)
        every = self.quantizer.decoding_interval if self.quantizer and state.text > num_context else 0
        encodes = self.quantizer is not None and _is_due(state, num_context, state.encoded_at, every)
        kept = [min(a, b) for a, b in zip(held, self._kept_of(state.text), strict=True)] if presses else held
        groups = [self._due(n) if encodes or n < before else g for n, before, g in zip(kept, held, groups, strict=True)]
        cached, layout = self._arranged(kept, groups)
        after = replace(
            state,
            cached=cached,
            layout=layout,
            pressed_at=state.text if presses else state.pressed_at,
            encoded_at=state.text if encodes else state.encoded_at,
        )
        return after if after.same_cache(state) else replace(after, compressed_at=state.text)

    def slots_needed(self, state: CacheState, num_context: int, max_ids: int, is_scored: bool) -> tuple[int, int]:
        """Most slots of a job up to the first change of its cache, and from then on, where it needs others.

        Args:
            state: At its beginning, with nothing found.
            num_context: See `acts_at`.
            max_ids: Most tokens that it reads.
            is_scored: See `acts_at`.
        """
        first, most = 0, state.cached
        while (at := self.acts_at(state, num_context, is_scored)) is not None and at <= max_ids:
            before = state.read(at)
            state = self.acted(before, num_context)
            if state.compressed_at is not None and before.compressed_at is None:
                first, most = before.cached, state.cached
            most = max(most, before.cached if before.compressed_at is not None else 0)
        return first, max(most, state.read(max_ids).cached)

    def count(self, statistics: EngineStatistics, state: CacheState) -> None:
        """Count what is left of a prompt's cache."""
        held, groups = self._held(state), self._groups(state)
        size = self.quantizer.group_size if self.quantizer else 0
        each = zip(held, groups, self.position_bytes, self.group_bytes, strict=True)
        statistics.pressed_tokens += state.text
        statistics.kept_tokens += round(sum(held) / len(held))
        statistics.full_bytes += state.text * sum(self.position_bytes)
        statistics.held_bytes += state.cached * sum(self.position_bytes)
        statistics.nominal_bytes += sum((n - g * size) * one + g * of_group for n, g, one, of_group in each)

    def _held(self, state: CacheState) -> list[int]:
        """Positions of each layer."""
        if state.layout is None:
            return [state.cached] * len(self.position_bytes)
        gained = self.quantizer.group_size - self.group_slots if self.quantizer else 0
        return [
            state.cached - start + groups * gained
            for start, groups in zip(state.layout.starts, state.layout.groups, strict=True)
        ]

    def _groups(self, state: CacheState) -> Sequence[int]:
        """Encoded groups of each layer."""
        return state.layout.groups if state.layout else (0,) * len(self.position_bytes)

    def _due(self, positions: int) -> int:
        """Groups that are to be encoded of so many positions."""
        return encoded_count(self.quantizer, positions) // self.quantizer.group_size if self.quantizer else 0

    def _kept_of(self, text: int) -> list[int]:
        """What the press would keep in each layer of a text."""
        assert self.press is not None
        if text not in self._kept:
            num_layers = len(self.position_bytes)
            if hasattr(self.press, "kept_in_layer"):
                self._kept[text] = [kept_count(self.press, text, i, num_layers) for i in range(num_layers)]
            else:
                self._kept[text] = [kept_count(self.press, text)] * num_layers
        return self._kept[text]

    def _arranged(self, kept: Sequence[int], groups: Sequence[int]) -> tuple[int, Layout | None]:
        """The slots, and the layout, of so many positions in each layer, so many groups of them encoded."""
        saved = self.quantizer.group_size - self.group_slots if self.quantizer else 0
        slots = [n - g * saved for n, g in zip(kept, groups, strict=True)]
        cached = max(slots)
        if min(slots) == cached and not any(groups):
            return cached, None
        return cached, Layout(tuple(cached - n for n in slots), tuple(groups))


def _is_due(state: CacheState, num_context: int, since: int, every: int) -> bool:
    """Whether a method acts now: at the end of a prompt, and every so many tokens; 0: no other time."""
    return state.text == num_context or (every > 0 and state.text >= since + every)
