"""Running KV methods inside a transformers model: the seam between `KVPress.score` and `model.generate`.

A forward pre-hook on the model makes it attend through `attention` while it works on a cache that the caller handed in,
as `generate` does: there the queries are seen, and each layer has its own mask. A hook after the forward rates and
drops positions, and encodes what is left: at the end of the prompt (the forward onto an empty cache), and after every
so many tokens where a method asks for it. A forward without a cache, as for one-pass log-likelihood, is left alone.
Rows of a left-padded batch are treated one by one: each keeps its own number of positions, right-aligned, so a row in a
batch gives what it gives alone. It knows nothing about how positions are rated.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import DynamicCache

from lottery_plugins.compression.kv.attention import Attending
from lottery_plugins.compression.kv.cache_support import (
    cache_bytes,
    check_cache,
    check_model,
    input_shape,
    valid_positions,
)
from lottery_plugins.compression.kv.pressed_layer import PressedLayer
from lottery_plugins.compression.kv.statistics import PressStatistics
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.kv_cache import Demands, KVPress, KVQuantizer, demands

__all__ = ["AttachedPress", "CacheState", "attached", "cache_state"]

_STATE = "_lottery_press"  # attribute of a cache: lives and dies with it


@dataclass(slots=True)
class CacheState:
    """What must be remembered of a cache besides its layers.

    Attributes:
        generated: Tokens after the prompt.
        is_scored: Whether what follows is scored, and not generated: several tokens at once may follow, and nothing is
            compressed any more. A chunked prefill looks the same, and is refused.
    """

    generated: int = 0
    is_scored: bool = False


class AttachedPress:
    """A press, a quantizer of the cache, or both at work in one model, until `detach`.

    Args:
        press: Rates positions; None where none are dropped.
        model: A transformers causal model; gets two hooks. It attends through `sdpa` while it fills a cache.
        quantizer: Encodes what is left; None for none. What it encodes is held as what decoding gives, so that the
            answers are those of a quantized cache, but not the bytes: `statistics` tells both.

    Attributes:
        statistics: What was measured so far.

    Raises:
        ConfigError: If the model can't be served, with the reason, or a method asks for what only engine=packed does.
    """

    def __init__(self, press: KVPress | None, model: Any, quantizer: KVQuantizer | None = None) -> None:
        self.press = press if press is not None and press.compression_ratio > 0 else None
        self.quantizer, self.statistics = quantizer, PressStatistics()
        self._where = "compression: " + "+".join(method.name for method in (press, quantizer) if method is not None)
        self._demands = Demands() if self.press is None else demands(self.press)
        if self._demands.prefill_interval:
            hint = "Use engine=packed, which reads prompts in parts."
            raise ConfigError(f"{self._where}.prefill_interval", self._demands.prefill_interval, "0 here", hint)
        self._num_layers = check_model(model, self._where)
        self._attending = Attending(model)
        self._handles = []
        if self.press is not None or self.quantizer is not None:
            self._handles = [
                model.register_forward_pre_hook(self._before, with_kwargs=True),
                model.register_forward_hook(self._after, with_kwargs=True, always_call=True),
            ]

    def detach(self) -> None:
        """Remove the hooks; a second call does nothing."""
        self._attending.leave()  # when the user interrupted a forward
        while self._handles:
            self._handles.pop().remove()

    def _before(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Prepare cache, mask and positions for the tokens of a forward."""
        cache = kwargs.get("past_key_values")
        if cache is None:
            return args, kwargs
        check_cache(cache, self._where)
        batch, num_tokens = input_shape(args, kwargs)
        if cache.get_seq_length() == 0:  # a cache that was reset is pressed anew
            valid = valid_positions(kwargs.get("attention_mask"), (batch, num_tokens), self._where).to(model.device)
            cache.layers = [PressedLayer(i, self._num_layers, self._demands) for i in range(self._num_layers)]
            setattr(cache, _STATE, None)
        else:
            state = self._state_for(cache, num_tokens)
            valid = torch.ones(batch, num_tokens, dtype=torch.bool, device=cache.layers[0].valid.device)
            if kwargs.get("position_ids") is None:
                ahead = torch.arange(num_tokens, device=valid.device)
                kwargs = {**kwargs, "position_ids": cache.layers[0].lengths[:, None] + ahead}
            state.generated += num_tokens
        for layer in cache.layers:
            layer.expect(valid)
        self._attending.enter(cache.layers)
        return args, kwargs

    def _state_for(self, cache: Any, num_tokens: int) -> CacheState:
        """The state of a cache that so many tokens may be added to."""
        state = cache_state(cache)
        if state is None:
            hint = "Prefill into an empty DynamicCache."
            raise ConfigError(self._where, "a cache filled before", "an empty cache", hint)
        if num_tokens > 1 and not state.is_scored:
            got, allowed = f"{num_tokens} tokens", "one token a step after the prompt"
            raise ConfigError(self._where, got, allowed, "No chunked prefill or speculative decoding.")
        return state

    def _after(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Give the model its attention back; compress what is due."""
        self._attending.leave()
        cache = kwargs.get("past_key_values")
        if cache is None or output is None:  # None: the forward failed
            return
        with torch.no_grad():
            state = cache_state(cache)
            if state is None:
                self._finish_prompt(cache)
            elif not state.is_scored:
                drops = self.press is not None and _is_due(self._demands.decoding_interval, state.generated)
                encodes = self.quantizer is not None and _is_due(self.quantizer.decoding_interval, state.generated)
                self._compress(cache.layers, drops, encodes)

    def _finish_prompt(self, cache: DynamicCache) -> None:
        """Compress a freshly filled cache, and count what that saved."""
        layers: list[PressedLayer] = cache.layers
        if any(layer.scaling is None for layer in layers):
            got = "a layer that attends by other means"
            raise ConfigError(self._where, got, "a model that attends through transformers' attention functions")
        before = cache_bytes(cache)
        self._compress(layers, self.press is not None, self.quantizer is not None)
        self.statistics.count(layers, before, cache_bytes(cache), self.quantizer)
        if not self._demands.decoding_interval:
            for layer in layers:
                layer.rest()
        setattr(cache, _STATE, CacheState())

    def _compress(self, layers: list[PressedLayer], drops: bool, encodes: bool) -> None:
        """Drop positions, and encode; where positions of a group were dropped, the others are encoded anew."""
        for layer in layers:
            dropped = drops and self.press is not None and layer.drop(self.press)
            if self.quantizer is not None and (encodes or dropped):
                layer.encode(self.quantizer)


def _is_due(interval: int, generated: int) -> bool:
    return interval > 0 and generated % interval == 0


def cache_state(cache: Any) -> CacheState | None:
    """What is remembered of this cache; None when no method has acted on it."""
    return getattr(cache, _STATE, None)


@contextmanager
def attached(press: KVPress | None, model: Any, quantizer: KVQuantizer | None = None) -> Iterator[AttachedPress]:
    """KV methods at work in a model for the length of a `with` block, whatever happens in it.

    Raises:
        ConfigError: If the model can't be served, with the reason.
    """
    work = AttachedPress(press, model, quantizer)
    try:
        yield work
    finally:
        work.detach()
