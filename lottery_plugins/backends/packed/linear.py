"""Linear layers on the CPU with a copy of their weights in oneDNN's own layout, where that is faster.

PyTorch hands a matrix product to MKL (float32) or to oneDNN, which reorders the weights at each call (bfloat16).
Whether a copy in the layout of the product helps depends on machine, shape, type and number of tokens (for one token
in float32 it is slower); so it is measured, once per shape.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

__all__ = ["PackedLinear", "PrepackReport", "prepacked"]

_TYPES = (torch.float32, torch.bfloat16)
_TOKENS = (1, 8, 32)  # of the trials; for more, both ways are limited by the same arithmetic
_TRIAL_SECONDS, _MIN_ROUNDS = 0.05, 6
_GAIN = 1.05  # faster by at least this
_GAIN_OF_HEAD = 1.15  # for a head tied to the embedding, whose own weights stay beside the copy


@dataclass(slots=True)
class PrepackReport:
    """What was replaced.

    Attributes:
        layers: Linear layers replaced.
        bytes_added: Bytes of the copies.
    """

    layers: int = 0
    bytes_added: int = 0


class PackedLinear(nn.Module):  # type: ignore[misc]  # torch is not followed
    """`nn.Linear` for inference, with packed weights beside the original ones.

    The original stays: it is used for few tokens, and shared with the given model.

    Args:
        linear: The layer.
        min_tokens: Tokens from which the packed weights are used.
    """

    def __init__(self, linear: nn.Linear, min_tokens: int = 1) -> None:
        super().__init__()
        self._least = min_tokens * linear.in_features
        self.weight, self.bias = linear.weight, linear.bias
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self._packed = _pack(linear.weight)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """The product; (..., in_features) to (..., out_features)."""
        if states.numel() < self._least or not states.numel():
            return nn.functional.linear(states, self.weight, self.bias)
        return _product(states, self._packed, self.bias)


def _pack(weight: torch.Tensor) -> torch.Tensor:
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach(), _TOKENS[-1])


def _product(states: torch.Tensor, packed: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    return torch.ops.mkldnn._linear_pointwise(states, packed, bias, "none", [], "")


def prepacked(model: Any, bytes_allowed: float = float("inf")) -> tuple[Any, PrepackReport]:
    """A structural clone whose plain linear layers are packed where a short trial shows a gain.

    Args:
        model: A transformers model on the CPU; not changed, and its tensors are shared.
        bytes_allowed: Most bytes of the copies; layers beyond are left as they are.

    Returns:
        The clone, or the given model where nothing gains, and what was done.
    """
    report = PrepackReport()
    if not torch.backends.mkldnn.is_available():
        return model, report
    clone = _structural_clone(model)
    tied = clone.get_input_embeddings().weight
    trials: dict[tuple[Any, ...], dict[int, float]] = {}
    for path, linear in list(clone.named_modules()):
        if type(linear) is not nn.Linear or linear.weight.dtype not in _TYPES or linear.weight.device.type != "cpu":
            continue
        key = (*linear.weight.shape, linear.weight.dtype, linear.bias is not None)
        if key not in trials:
            trials[key] = _gains(linear)
        gains = trials[key]
        needed = _GAIN_OF_HEAD if linear.weight is tied else _GAIN
        if gains[_TOKENS[-1]] >= needed and report.bytes_added + linear.weight.nbytes <= bytes_allowed:
            parent, _, name = path.rpartition(".")
            setattr(clone.get_submodule(parent), name, PackedLinear(linear, _min_tokens(gains, linear.weight.dtype)))
            report.layers += 1
            report.bytes_added += linear.weight.nbytes
    return (clone, report) if report.layers else (model, report)


def _structural_clone(model: Any) -> Any:
    """A copy with modules and config of its own, whose parameters and buffers are those of the given model."""
    tensors = [*model.parameters(), *model.buffers()]
    return copy.deepcopy(model, {id(tensor): tensor for tensor in tensors})


def _min_tokens(gains: dict[int, float], dtype: torch.dtype) -> int:
    """The fewest tokens of a trial from which on no trial was lost.

    In bfloat16 always 1: the two ways round differently, and a token must not depend on how many others there are.
    """
    if dtype is not torch.float32:
        return 1
    lost = [tokens for tokens, gain in gains.items() if gain < 1]
    return min(tokens for tokens in gains if tokens > max(lost, default=0))


def _gains(linear: nn.Linear) -> dict[int, float]:
    """How many times as fast the packed product is, for each number of tokens."""
    gains = dict.fromkeys(_TOKENS, 0.0)
    with torch.inference_mode():
        try:
            packed = _pack(linear.weight)
            _product(linear.weight.new_zeros(1, 1, linear.in_features), packed, linear.bias)
        except RuntimeError:  # this build of oneDNN does not know the type or the shape
            return gains
        for tokens in _TOKENS:
            states = torch.randn(1, tokens, linear.in_features).to(linear.weight.dtype)
            old = partial(nn.functional.linear, states, linear.weight, linear.bias)
            gains[tokens] = _ratio(old, partial(_product, states, packed, linear.bias))
    return gains


def _ratio(old: Callable[[], object], new: Callable[[], object]) -> float:
    """Time of the old way over that of the new one: the shortest runs, in turn, for what other processes take away."""
    times: tuple[list[float], list[float]] = ([], [])
    end = time.perf_counter() + _TRIAL_SECONDS
    while len(times[1]) < _MIN_ROUNDS or time.perf_counter() < end:
        for work, taken in zip((old, new), times, strict=True):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
    return min(times[0][1:]) / min(times[1][1:])
