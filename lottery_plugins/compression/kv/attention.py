"""How a transformers model comes to attend over a cache whose layers differ in length, and to show its queries.

One attention function is registered under `NAME`; a model uses it only between `Attending.enter` and `Attending.leave`,
and attends as it did before and after. It is transformers' own `sdpa`, with a mask for each layer. Which cache is meant
is kept per thread, so a model need not pass anything through.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from lottery_plugins.attention_switch import AttentionSwitch
from lottery_plugins.compression.kv.pressed_layer import PressedLayer
from lottery_plugins.errors import ConfigError

__all__ = ["NAME", "Attending"]

NAME = "lottery_pressed"  # no "flash" in it: transformers would load a kernel from the hub
_UNSERVED = ("softcap", "s_aux", "position_bias")  # keywords that change the scores in ways a press would not see
_current = threading.local()


def _attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """The registered function. Every model calls it with its own keywords; those that change the scores are refused."""
    for name in _UNSERVED:
        if kwargs.get(name) is not None:
            got = f"{type(module).__name__} ({name})"
            raise ConfigError("compression: KV cache", got, "plain causal attention", "Leave the KV method out.")
    factor = query.shape[-1] ** -0.5 if scaling is None else scaling
    mask = _current.layers[module.layer_idx].attended(query, factor)
    output, _ = sdpa_attention_forward(module, query, key, value, mask, scaling=factor, **kwargs)
    return output, None


AttentionInterface.register(NAME, _attention)


class Attending:
    """Switches one model to our attention for the length of a forward.

    Args:
        model: A transformers model.
    """

    def __init__(self, model: Any) -> None:
        self._switch = AttentionSwitch(model)
        self._before: list[Any] = []

    def enter(self, layers: Sequence[PressedLayer]) -> None:
        """From here on, the model attends over these layers of a cache, in this thread."""
        self.leave()
        _current.layers = layers
        self._before = self._switch.to(NAME)

    def leave(self) -> None:
        """Back to the attention that the model had; a second call does nothing."""
        self._switch.back(self._before)
        self._before = []
        _current.layers = ()
