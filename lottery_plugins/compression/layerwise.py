"""The walk that data-driven methods share: one decoder layer after the other, each seeing what the changed ones give.

This is how the reference implementations of Wanda, SparseGPT and GPTQ calibrate: the inputs of a layer come from the
layers before it as they are *after* compression.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from lottery_plugins.compression.progress import steps
from lottery_plugins.compression.structure import decoder_layers, decoder_linears
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import CalibrationData

__all__ = ["InputObserver", "compress_layer_by_layer"]

InputObserver = Callable[[str, nn.Linear, torch.Tensor], None]
"""Sees a linear layer's path, the layer, and one input of (tokens, cols)."""

_BATCH = 4  # sequences forwarded at once


def compress_layer_by_layer(
    model: Any,
    calibration: CalibrationData,
    observe: InputObserver,
    change: Callable[[str, nn.Linear], None],
    where: str,
) -> None:
    """Run calibration text through a model and change its linear layers, decoder layer by decoder layer.

    For each layer: forward all sequences while `observe` sees the input of every linear layer in it, then `change` each
    of them, then forward again to get the inputs of the next layer.

    Args:
        model: A structural clone; `change` may replace the parameters of its linear layers.
        calibration: The sequences.
        observe: Called for each linear layer and batch.
        change: Called once for each linear layer.
        where: The method, for messages.

    Raises:
        ConfigError: If the decoder has no linear layers, or is built in a way this walk does not know.
    """
    decoder_linears(model, where)
    path, layers = decoder_layers(model, where)
    with torch.no_grad():
        hidden, calls = _record_calls(model, layers, calibration)  # calls[batch][layer] = keyword arguments
        for index, layer in enumerate(steps(layers, where)):
            linears = [(f"{path}.{index}.{name}", m) for name, m in layer.named_modules() if isinstance(m, nn.Linear)]
            handles = [linear.register_forward_pre_hook(_watch(observe, name)) for name, linear in linears]
            try:
                for states, call in zip(hidden, calls, strict=True):
                    layer(states, **call[index])
            finally:
                for handle in handles:
                    handle.remove()
            for name, linear in linears:
                change(name, linear)
            hidden = [_first(layer(states, **call[index])) for states, call in zip(hidden, calls, strict=True)]


class _FirstLayerReached(Exception):
    """A jump out of the model, where what comes after the first layer is known already."""


def _record_calls(
    model: Any, layers: nn.ModuleList, calibration: CalibrationData
) -> tuple[list[torch.Tensor], list[list[dict[str, Any]]]]:
    """What enters the first layer, and how the model calls each layer, for each batch.

    Masks and positions do not depend on the weights, and all sequences are of one length: the calls are recorded once
    for each batch size, and all other batches stop at the first layer.
    """
    hidden: list[torch.Tensor] = []
    calls: dict[int, list[dict[str, Any]]] = {}  # by batch size
    sizes: list[int] = []

    def record(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if len(args) > 1:
            raise ConfigError("compression", type(model).__name__, "a model that calls its layers by keyword")
        call = dict(kwargs)
        states = args[0] if args else call.pop("hidden_states")
        if layer is layers[0]:
            hidden.append(states)
            if sizes[-1] in calls:
                raise _FirstLayerReached
        calls.setdefault(sizes[-1], []).append(call)

    handles = [layer.register_forward_pre_hook(record, with_kwargs=True) for layer in layers]
    try:
        for start in range(0, len(calibration.input_ids), _BATCH):
            batch = torch.tensor(calibration.input_ids[start : start + _BATCH], device=model.device)
            sizes.append(len(batch))
            with contextlib.suppress(_FirstLayerReached):
                model.base_model(input_ids=batch, use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return hidden, [calls[size] for size in sizes]


def _watch(observe: InputObserver, name: str) -> Callable[[nn.Linear, tuple[torch.Tensor, ...]], None]:
    def hook(linear: nn.Linear, args: tuple[torch.Tensor, ...]) -> None:
        observe(name, linear, args[0].flatten(0, -2))

    return hook


def _first(output: Any) -> torch.Tensor:
    """A layer's hidden states: some architectures return a tuple."""
    return output[0] if isinstance(output, tuple) else output
