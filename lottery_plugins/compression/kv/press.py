"""Running a press inside a transformers model: the seam between `KVPress.score` and `model.generate`.

A forward hook on the model finds the end of prefill (a forward onto an empty cache that the caller handed in, as
`generate` does), rates and drops positions, and remembers on the cache what is left. A forward without a cache, as for
one-pass log-likelihood, is left alone. A pre-hook then rewrites mask and positions of the steps that follow. Rows of a
left-padded batch are treated one by one: each keeps its own number of positions, right-aligned, so a row in a batch
gives what it gives alone. It knows nothing about how positions are rated.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from lottery_plugins.compression.kv.cache_support import cache_bytes, check_cache, check_model, valid_positions
from lottery_plugins.compression.kv.eviction import evict, kept_positions
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.kv_cache import KVPress, LayerView, checked_score

__all__ = ["AttachedPress", "PressState", "PressStatistics", "attached", "press_state"]

_STATE = "_lottery_press"  # attribute of a cache: lives and dies with it


@dataclass(slots=True)
class PressState:
    """What is left of a pressed cache.

    Attributes:
        valid: (batch, kept) bool; False on padding. All layers and heads keep the same number in a row.
        all_valid: Whether there is no padding; then no mask is needed.
        lengths: (batch,) true prompt lengths: the position of the next token.
        takes_many: Whether several tokens at once may follow. A chunked prefill looks the same, and is refused.
    """

    valid: torch.Tensor
    all_valid: bool
    lengths: torch.Tensor
    takes_many: bool = False


@dataclass(slots=True)
class PressStatistics:
    """Counts over all prompts since the press was attached: the measured effect, for the ledger."""

    prompts: int = 0
    prompt_tokens: int = 0
    kept_tokens: int = 0
    bytes_before: int = 0
    bytes_after: int = 0


class AttachedPress:
    """A press at work in one model, until `detach`.

    Args:
        press: Rates positions.
        model: A transformers causal model; gets two hooks.

    Attributes:
        statistics: What was measured so far.

    Raises:
        ConfigError: If the model can't be served, with the reason.
    """

    def __init__(self, press: KVPress, model: Any) -> None:
        self.press, self.statistics = press, PressStatistics()
        self._where = f"compression: {press.name}"
        check_model(model, self._where)
        self._handles = []
        if press.compression_ratio > 0:
            self._handles = [
                model.register_forward_pre_hook(self._before, with_kwargs=True),
                model.register_forward_hook(self._after, with_kwargs=True),
            ]

    def detach(self) -> None:
        """Remove the hooks; a second call does nothing."""
        while self._handles:
            self._handles.pop().remove()

    def _before(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        cache = kwargs.get("past_key_values")
        if cache is None:
            return args, kwargs
        check_cache(cache, self._where)
        held = cache.get_seq_length()
        if held == 0:
            setattr(cache, _STATE, None)  # a cache that was reset is pressed anew
            return args, kwargs
        state = press_state(cache)
        if state is None:
            hint = "Prefill into an empty DynamicCache."
            raise ConfigError(self._where, "a cache filled before", "an empty cache", hint)
        queries = _queries(args, kwargs)
        if queries > 1 and not state.takes_many:
            allowed = "one token a step after the prompt"
            raise ConfigError(self._where, f"{queries} tokens", allowed, "No chunked prefill or speculative decoding.")
        generated = held - state.valid.shape[1] + queries  # tokens after the prompt, these included
        changes = {
            "attention_mask": None if state.all_valid else nn.functional.pad(state.valid, (0, generated), value=1)
        }
        if kwargs.get("position_ids") is None:
            ahead = torch.arange(generated - queries, generated, device=state.lengths.device)
            changes["position_ids"] = state.lengths[:, None] + ahead
        return args, {**kwargs, **changes}

    def _after(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        cache = kwargs.get("past_key_values")
        if cache is None or press_state(cache) is not None:
            return
        check_cache(cache, self._where)
        valid = valid_positions(cache, kwargs.get("attention_mask"), self._where)
        with torch.no_grad():
            setattr(cache, _STATE, self._compress(cache, valid))

    def _compress(self, cache: Any, valid: torch.Tensor) -> PressState:
        """Drop positions from every layer of a freshly filled cache."""
        lengths = valid.sum(dim=1)  # (batch,)
        before = cache_bytes(cache)
        for index, layer in enumerate(cache.layers):
            view = LayerView(index, layer.keys, layer.values, valid)
            score = checked_score(self.press, view)
            positions, kept_valid = kept_positions(score, valid, self.press.compression_ratio)
            evict(layer, positions)
        self._count(before, cache_bytes(cache), valid, kept_valid)
        return PressState(kept_valid, bool(kept_valid.all()), lengths)

    def _count(self, before: int, after: int, valid: torch.Tensor, kept: torch.Tensor) -> None:
        counts = self.statistics
        counts.prompts += valid.shape[0]
        counts.prompt_tokens += int(valid.sum())
        counts.kept_tokens += int(kept.sum())
        counts.bytes_before += before
        counts.bytes_after += after


def press_state(cache: Any) -> PressState | None:
    """What a press left of this cache; None when no press has acted on it."""
    return getattr(cache, _STATE, None)


def _queries(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """Number of tokens in this forward."""
    inputs = kwargs.get("input_ids", kwargs.get("inputs_embeds"))
    inputs = args[0] if inputs is None else inputs
    return int(inputs.shape[1])


@contextmanager
def attached(press: KVPress, model: Any) -> Iterator[AttachedPress]:
    """A press at work in a model for the length of a `with` block, whatever happens in it.

    Raises:
        ConfigError: If the model can't be served, with the reason.
    """
    work = AttachedPress(press, model)
    try:
        yield work
    finally:
        work.detach()
