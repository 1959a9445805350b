"""Scaling the inputs of linear layers down and their weights up, so that the model computes what it did.

A group of linear layers that are given one tensor can be scaled where that tensor comes from a norm with a weight, or
from a linear layer that acts on each column (the value projection without grouped heads, the gate's partner in an MLP).
What a place looks like it does to the layer's output is not believed but tried: where the output changes, the scale is
taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from lottery_plugins.compression.weights.input_statistics import InputGram
from lottery_plugins.compression.weights.layerwise import ObservedLayer

__all__ = ["Fold", "find_folds", "fold"]

_BEFORE = {"o_proj": "v_proj", "out_proj": "v_proj", "down_proj": "up_proj", "fc2": "fc1"}
"""Linear layers whose input columns are the output rows of another, scaled by what does not depend on them; fc2 only
behind a ReLU, as the trial tells."""

_ALLOWED = {torch.float32: 1e-3}  # largest relative change of a layer's update; of other types 0.05: they round more


@dataclass(frozen=True, slots=True)
class Fold:
    """A place where scales can be folded.

    Attributes:
        source: The norm or linear layer that makes the input.
        linears: Paths of the linear layers that are given it.
    """

    source: nn.Module
    linears: tuple[str, ...]


def find_folds(layer: ObservedLayer[InputGram]) -> list[Fold]:
    """The places of a decoder layer that look as if scales can be folded."""
    groups: dict[int, list[str]] = {}
    for path, seen in layer.seen.items():
        if seen.num_tokens:
            groups.setdefault(id(seen), []).append(path)
    norms = _sources(layer)
    folds = []
    for paths in groups.values():
        parent, _, name = paths[0].rpartition(".")
        before = layer.linears.get(f"{parent}.{_BEFORE.get(name, '')}")
        if paths[0] in norms:
            folds.append(Fold(norms[paths[0]], tuple(paths)))
        elif before is not None and before.out_features == layer.linears[paths[0]].in_features:
            folds.append(Fold(before, tuple(paths)))
    return folds


def fold(layer: ObservedLayer[InputGram], place: Fold, scale: torch.Tensor) -> bool:
    """Multiply weights by a scale for each input column, and what makes the input by its inverse.

    Returns:
        Whether the layer's output stayed; if not, nothing was changed.
    """
    changed = [place.source, *(layer.linears[path] for path in place.linears)]
    before = [dict(module.named_parameters(recurse=False)) for module in changed]
    expected = layer.run(0)
    _divide(place.source, scale)
    for path in place.linears:
        _set(layer.linears[path], "weight", layer.linears[path].weight * scale)
    error = (layer.run(0) - expected).float().norm() / (expected - layer.inputs(0)).float().norm()
    if error <= _ALLOWED.get(expected.dtype, 0.05):
        return True
    for module, parameters in zip(changed, before, strict=True):
        for name, parameter in parameters.items():
            setattr(module, name, parameter)
    return False


def _divide(source: nn.Module, scale: torch.Tensor) -> None:
    """Divide a module's outputs by a scale, through parameters of its own."""
    weight = source.weight
    if isinstance(source, nn.Linear):
        _set(source, "weight", weight / scale[:, None])
    else:
        offset = _offset(source)
        _set(source, "weight", (weight + offset) / scale - offset)
    if getattr(source, "bias", None) is not None:
        _set(source, "bias", source.bias / scale)


def _offset(norm: nn.Module) -> float:
    """What a norm adds to its weight: 1 in Gemma's, 0 in others."""
    weight = norm.weight
    _set(norm, "weight", torch.zeros_like(weight))
    with torch.no_grad():
        output = norm(torch.linspace(-1, 1, len(weight), device=weight.device, dtype=weight.dtype)[None])
    norm.weight = weight
    bias = getattr(norm, "bias", None)
    return 0.0 if bool((output == (0 if bias is None else bias)).all()) else 1.0


def _set(module: nn.Module, name: str, tensor: torch.Tensor) -> None:
    old = getattr(module, name)
    setattr(module, name, nn.Parameter(tensor.detach().to(old.dtype), requires_grad=False))


def _sources(layer: ObservedLayer[Any]) -> dict[str, nn.Module]:
    """The norm whose output is the very input of a linear layer, by the layer's path."""
    made: list[tuple[torch.Tensor, nn.Module]] = []
    found: dict[str, nn.Module] = {}

    def note(module: nn.Module, _: Any, output: Any) -> None:
        made.append((output, module))

    def watch(path: str) -> Callable[[nn.Module, tuple[torch.Tensor, ...]], None]:
        def hook(_: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
            source = next((module for output, module in made if output is args[0]), None)
            if source is not None:
                found[path] = source

        return hook

    norms = [m for m in layer.module.modules() if _is_norm(m)]
    handles: list[Any] = [norm.register_forward_hook(note) for norm in norms]
    handles += [linear.register_forward_pre_hook(watch(path)) for path, linear in layer.linears.items()]
    try:
        layer.run(0)
    finally:
        for handle in handles:
            handle.remove()
    return found


def _is_norm(module: nn.Module) -> bool:
    weight = getattr(module, "weight", None)
    return isinstance(weight, nn.Parameter) and weight.ndim == 1 and not any(module.children())
