"""Linear layers on the CPU with a copy of their weights in oneDNN's own layout, where that is faster.

PyTorch hands a matrix product to MKL (float32) or to oneDNN, which reorders the weights at each call (bfloat16).
Whether a copy in the layout of the product helps depends on machine, shape and type; so it is measured, once per shape.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

__all__ = ["PackedLinear", "PrepackReport", "prepacked"]

_TYPES = (torch.float32, torch.bfloat16)
_BATCH = 32  # tokens of the trial: what a step of many sequences has
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

    The original stays: other code asks it for its shape, device or type, and it may be shared with the embedding.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self._packed = _pack(linear.weight)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """The product; (..., in_features) to (..., out_features)."""
        if states.numel() == 0:
            return nn.functional.linear(states, self.weight, self.bias)
        return _product(states, self._packed, self.bias)


def _pack(weight: torch.Tensor) -> torch.Tensor:
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach(), _BATCH)


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
    gains: dict[tuple[Any, ...], float] = {}
    for path, linear in list(clone.named_modules()):
        if type(linear) is not nn.Linear or linear.weight.dtype not in _TYPES or linear.weight.device.type != "cpu":
            continue
        key = (*linear.weight.shape, linear.weight.dtype, linear.bias is not None)
        if key not in gains:
            gains[key] = _gain(linear)
        needed = _GAIN_OF_HEAD if linear.weight is tied else _GAIN
        if gains[key] >= needed and report.bytes_added + linear.weight.nbytes <= bytes_allowed:
            parent, _, name = path.rpartition(".")
            setattr(clone.get_submodule(parent), name, PackedLinear(linear))
            report.layers += 1
            report.bytes_added += linear.weight.nbytes
    return (clone, report) if report.layers else (model, report)


def _structural_clone(model: Any) -> Any:
    """A copy with modules and config of its own, whose parameters and buffers are those of the given model."""
    tensors = [*model.parameters(), *model.buffers()]
    return copy.deepcopy(model, {id(tensor): tensor for tensor in tensors})


def _gain(linear: nn.Linear) -> float:
    """How many times as fast the packed product is."""
    with torch.inference_mode():
        states = torch.randn(1, _BATCH, linear.in_features).to(linear.weight.dtype)
        try:
            packed = _pack(linear.weight)
            new = _seconds(lambda: _product(states, packed, linear.bias))
        except RuntimeError:  # this build of oneDNN does not know the type or the shape
            return 0.0
        old = _seconds(lambda: nn.functional.linear(states, linear.weight, linear.bias))
    return old / new


def _seconds(work: Callable[[], object], rounds: int = 7) -> float:
    """The shortest of a few runs: what other processes took away shows in the others."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)
