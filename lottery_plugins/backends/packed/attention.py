"""How a transformers model comes to attend over our cache: one attention function, and the plan of the current step.

The function is registered under `NAME`. A model uses it only inside `Attending.through`; before and after, the same
model object attends as it did. Which plan is meant is kept per thread, so a model need not pass anything through.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from transformers import AttentionInterface

from lottery_plugins.attention_switch import AttentionSwitch
from lottery_plugins.errors import ConfigError

__all__ = ["NAME", "Attending", "Plan"]

NAME = "lottery_packed"  # no "flash" in it: transformers would load a kernel from the hub
_UNSERVED = ("softcap", "s_aux", "position_bias")  # keywords that change the scores in ways no plan computes
_current = threading.local()


class Plan(Protocol):
    """What one step does in every layer. Made once a step."""

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scaling: float | None,
        window: int | None,
    ) -> torch.Tensor:
        """Write the step's keys and values into the cache, then attend.

        Args:
            layer: Index of the layer.
            query: (1, heads, tokens, head_dim).
            key: (1, kv_heads, tokens, head_dim), rotary positions applied.
            value: (1, kv_heads, tokens, head_dim).
            scaling: Factor of the scores; None: head_dim ** -0.5.
            window: Positions a token sees, itself included; None: all before it.

        Returns:
            (1, tokens, heads, head_dim).
        """
        ...


def _attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """The registered function. Every model calls it with its own keywords; those that no plan serves are refused."""
    for name in _UNSERVED:
        if kwargs.get(name) is not None:
            raise _unserved(module, name)
    if not kwargs.get("is_causal", getattr(module, "is_causal", True)):
        raise _unserved(module, "attention that is not causal")
    window = sliding_window if sliding_window is not None else getattr(module, "sliding_window", None)
    return _current.plan.attend(module.layer_idx, query, key, value, scaling, window), None


def _unserved(module: Any, what: str) -> ConfigError:
    allowed = "plain causal attention, full or with a sliding window"
    return ConfigError("engine: packed", f"{type(module).__name__} ({what})", allowed, "Use engine=rounds.")


AttentionInterface.register(NAME, _attention)


class Attending:
    """Switches one model to our attention for the length of a forward.

    Args:
        model: A transformers model.
    """

    def __init__(self, model: Any) -> None:
        self._switch = AttentionSwitch(model)

    @contextmanager
    def through(self, plan: Plan) -> Iterator[None]:
        """The model attends through `plan` inside the `with` block; what it used before is restored always."""
        outer = getattr(_current, "plan", None)
        _current.plan = plan
        before = self._switch.to(NAME)
        try:
            yield
        finally:
            self._switch.back(before)
            _current.plan = outer
