"""The walk that data-driven methods share: one decoder layer after the other, each seeing what the changed ones give.

This is how the reference implementations of Wanda, SparseGPT and GPTQ calibrate: the inputs of a layer come from the
layers before it as they are *after* compression.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from lottery_plugins.compression.structure import decoder_layers
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
    """
    path, layers = decoder_layers(model, where)
    with torch.no_grad():
        calls = _record_calls(model, layers, calibration)  # calls[batch][layer] = keyword arguments
        hidden = [call[0].pop("hidden_states") for call in calls]
        for index, layer in enumerate(layers):
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


def _record_calls(model: Any, layers: nn.ModuleList, calibration: CalibrationData) -> list[list[dict[str, Any]]]:
    """How the model calls each layer: masks and positions do not depend on weights, so they are recorded once."""
    calls: list[list[dict[str, Any]]] = []

    def record(index: int) -> Callable[..., None]:
        def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            call = dict(kwargs)
            states = args[0] if args else call.pop("hidden_states")
            if len(args) > 1:
                raise ConfigError("compression", type(model).__name__, "a model that calls its layers by keyword")
            calls[-1].append({"hidden_states": states, **call} if index == 0 else call)

        return hook

    handles = [layer.register_forward_pre_hook(record(i), with_kwargs=True) for i, layer in enumerate(layers)]
    try:
        for start in range(0, len(calibration.input_ids), _BATCH):
            calls.append([])
            batch = torch.tensor(calibration.input_ids[start : start + _BATCH], device=model.device)
            model.base_model(input_ids=batch, use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return calls


def _watch(observe: InputObserver, name: str) -> Callable[[nn.Linear, tuple[torch.Tensor, ...]], None]:
    def hook(linear: nn.Linear, args: tuple[torch.Tensor, ...]) -> None:
        observe(name, linear, args[0].flatten(0, -2))

    return hook


def _first(output: Any) -> torch.Tensor:
    """A layer's hidden states: some architectures return a tuple."""
    return output[0] if isinstance(output, tuple) else output
