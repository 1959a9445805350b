"""Floating point operations of forward passes, counted from a model's modules and config.

A token costs 2 operations for each weight it is multiplied by (one multiplication, one addition): all linear layers,
the output head included, of fused experts the share that a token is sent to; not the input embedding, which is looked
up. Attention costs 2 * heads * (size of a key + size of a value) for each position that the token sees, itself
included. Norms, rotary positions, softmax and activations are left out, as torch's FlopCounterMode does; so is the
widening of quantized weights. A pruned weight is multiplied like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from lottery_plugins.compression.linear import CompressedLinear

__all__ = ["ForwardCost", "forward_cost"]

_ATTENTION = {"full_attention", "attention", "sliding_attention", "chunked_attention"}


@dataclass(frozen=True, slots=True)
class ForwardCost:
    """What one token costs.

    Attributes:
        multiplications: Weights that it is multiplied by.
        per_position: Operations for one position that it sees, in one layer.
        windows: For each layer, how many positions a token sees at most; None for all.
    """

    multiplications: int
    per_position: int
    windows: tuple[int | None, ...]

    def of(self, prompt: int, cached: int, forwarded: int, kept_share: float = 1.0) -> float:
        """Operations of one completion or score.

        Args:
            prompt: Tokens of its prompt.
            cached: How many of them were not computed again.
            forwarded: Tokens sent through the model: what was left of the prompt, then generated ones.
            kept_share: Share of a text's positions that a KV-cache method leaves: of what was cached before, and of the
                prompt once it is read.
        """
        read = min(forwarded, prompt - cached)
        generated = forwarded - read
        seen = sum(
            _seen(round(kept_share * cached), read, window) + _seen(round(kept_share * prompt), generated, window)
            for window in self.windows
        )
        return 2.0 * self.multiplications * forwarded + self.per_position * seen


def forward_cost(model: Any) -> ForwardCost | None:
    """What a token costs in this model; None where it has parts that this count does not know."""
    config = model.config.get_text_config(decoder=True)
    windows = _windows(config)
    heads = getattr(config, "num_attention_heads", None)
    multiplications = _multiplications(model, config)
    if windows is None or not isinstance(heads, int) or multiplications is None:
        return None
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    key, value = (getattr(config, name, None) or head_dim for name in ("qk_head_dim", "v_head_dim"))
    return ForwardCost(multiplications, 2 * heads * (key + value), windows)


def _seen(before: int, count: int, window: int | None) -> int:
    """Positions that `count` tokens see which come after `before` others, summed: before + 1, before + 2..."""
    if window is None or before + count <= window:
        return count * before + count * (count + 1) // 2
    growing = max(0, window - before)
    return _seen(before, growing, None) + (count - growing) * window


def _windows(config: Any) -> tuple[int | None, ...] | None:
    layers, kinds = int(config.num_hidden_layers), getattr(config, "layer_types", None)
    window: int | None = getattr(config, "sliding_window", None)
    if kinds is None:
        return (window,) * layers
    if not set(kinds) <= _ATTENTION or "chunked_attention" in kinds:
        return None
    return tuple(window if kind == "sliding_attention" else None for kind in kinds)


def _multiplications(model: Any, config: Any) -> int | None:
    total, counted = 0, set()
    for module in model.modules():
        found = _of_module(module, config)
        if found is None:
            continue
        total += found
        counted |= {id(parameter) for parameter in module.parameters()}
    others = (p for p in model.parameters() if p.dim() > 1 and id(p) not in counted)
    return None if any(True for _ in others) else total


def _of_module(module: Any, config: Any) -> int | None:
    """Weights of a module that a token is multiplied by; None where it is none that multiplies."""
    if isinstance(module, nn.Embedding):
        return 0
    if isinstance(module, CompressedLinear):  # one that is made of others is counted with them
        return None if any(True for _ in module.children()) else module.multiplications
    if isinstance(module, nn.Linear) or (hasattr(module, "in_features") and hasattr(module, "out_features")):
        return int(module.in_features * module.out_features)
    name = type(module).__name__
    if name == "Conv1D" or name.endswith("Router"):  # GPT-2's linear layer; what chooses experts
        return int(module.weight.numel())
    if name.endswith("Experts"):
        per_token = getattr(config, "num_experts_per_tok", None)
        fused = [p for p in module.parameters(recurse=False) if p.dim() == 3]
        return sum(p.numel() // p.shape[0] * per_token for p in fused) if fused and per_token else None
    return None
