"""The walk that data-driven methods share: one decoder layer after the other, each seeing what the changed ones give.

This is how the reference implementations of Wanda, SparseGPT and GPTQ calibrate: the inputs of a layer come from the
layers before it as they are *after* compression.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import nn

from lottery_plugins.compression.progress import steps
from lottery_plugins.compression.structure import decoder_layers, decoder_linears, replace_module, structural_clone
from lottery_plugins.compression.weights.input_statistics import InputStatistic
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import CalibrationData

__all__ = ["ObservedLayer", "change_linears", "observed_layers"]

Seen = TypeVar("Seen", bound=InputStatistic)

_BATCH = 4  # sequences forwarded at once


@dataclass
class ObservedLayer(Generic[Seen]):
    """A decoder layer after calibration text went through it.

    Attributes:
        path: In the model.
        module: The layer.
        linears: Its linear layers by path.
        seen: What each was given, by path. Layers that are always given the same tensor, such as query, key and value,
            have one object together.
    """

    path: str
    module: nn.Module
    linears: dict[str, nn.Linear]
    seen: dict[str, Seen]
    _hidden: list[torch.Tensor]
    _calls: list[dict[str, Any]]

    def inputs(self, batch: int) -> torch.Tensor:
        """What enters the layer for one batch of the text."""
        return self._hidden[batch]

    def run(self, batch: int) -> torch.Tensor:
        """The layer's output for one batch of the text, as the layer is now."""
        with torch.no_grad():
            output = self.module(self._hidden[batch], **self._calls[batch])
        return output[0] if isinstance(output, tuple) else output


def change_linears(
    model: Any,
    calibration: CalibrationData | None,
    collect: type[Seen],
    change: Callable[[str, nn.Linear, Seen], nn.Module],
    where: str,
) -> Any:
    """A clone in which every linear layer of the decoder is changed, knowing its inputs.

    Args:
        model: A transformers causal model; not changed.
        calibration: The sequences.
        collect: What is kept of the inputs.
        change: Makes the new layer from path, old layer and what was kept; it may give the old one another weight.
        where: The method, for messages.

    Raises:
        ConfigError: See `observed_layers`.
    """
    clone = structural_clone(model)
    for layer in observed_layers(clone, calibration, collect, where):
        for path, linear in layer.linears.items():
            replace_module(clone, path, change(path, linear, layer.seen[path]))
    return clone


@torch.no_grad()  # type: ignore[untyped-decorator]
def observed_layers(
    clone: Any, calibration: CalibrationData | None, collect: type[Seen], where: str
) -> Iterator[ObservedLayer[Seen]]:
    """Run calibration text through a model, decoder layer by decoder layer.

    A layer is forwarded once before it is handed out, to observe what its linear layers are given, and once after the
    caller has changed it, to get the inputs of the next.

    Args:
        clone: A structural clone; its modules and parameters may be replaced meanwhile.
        calibration: The sequences.
        collect: What is kept of the inputs.
        where: The method, for messages.

    Raises:
        ConfigError: If there is no calibration data, the decoder has no linear layers, or it is built in a way that
            this walk does not know.
    """
    if calibration is None:
        raise ConfigError(f"compression: {where}", None, "calibration data", "Let `compression.apply` make it.")
    decoder_linears(clone, where)
    path, layers = decoder_layers(clone, where)
    hidden, calls = _record_calls(clone, layers, calibration)  # calls[batch][layer] = keyword arguments
    for index, module in enumerate(steps(layers, where)):
        linears = {f"{path}.{index}.{name}": m for name, m in module.named_modules() if isinstance(m, nn.Linear)}
        inputs = [call[index] for call in calls]
        layer: ObservedLayer[Seen] = ObservedLayer(f"{path}.{index}", module, linears, {}, hidden, inputs)
        _observe(layer, collect)
        yield layer
        layer.seen.clear()
        hidden = [layer.run(batch) for batch in range(len(hidden))]


def _observe(layer: ObservedLayer[Seen], collect: type[Seen]) -> None:
    """Fill `layer.seen`."""
    leaders: set[str] = set()  # the first of those that share a tensor adds it up
    given: list[tuple[torch.Tensor, Seen]] = []  # in the current batch; held, so that no two have one identity

    def watch(path: str) -> Callable[[nn.Linear, tuple[torch.Tensor, ...]], None]:
        def hook(linear: nn.Linear, args: tuple[torch.Tensor, ...]) -> None:
            if path not in layer.seen:
                shared = next((seen for tensor, seen in given if tensor is args[0]), None)
                layer.seen[path] = shared or collect(linear.in_features, args[0].device)
                if shared is None:
                    leaders.add(path)
            if path in leaders:
                layer.seen[path].add(args[0].flatten(0, -2))
                given.append((args[0], layer.seen[path]))

        return hook

    handles = [linear.register_forward_pre_hook(watch(path)) for path, linear in layer.linears.items()]
    try:
        for batch in range(len(layer._hidden)):
            layer.run(batch)
            given.clear()
    finally:
        for handle in handles:
            handle.remove()
    for path, linear in layer.linears.items():  # an expert that no calibration token reached
        layer.seen.setdefault(path, collect(linear.in_features, linear.weight.device))


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
