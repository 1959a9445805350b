"""Leaving decoder layers out of a model: the list, the numbers that the others have, and the config."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from lottery_plugins.compression.structure import decoder_layers, replace_module
from lottery_plugins.errors import ConfigError

__all__ = ["keep_layers"]

_DEPENDENT = ("num_kv_shared_layers",)  # config: later layers read what earlier ones have cached
_INDICES = ("mlp_only_layers",)  # config: lists of layers by index; any other list as long as the layers is one a layer


def keep_layers(clone: Any, kept: Sequence[int], where: str) -> None:
    """Leave out all decoder layers but some.

    Args:
        clone: A structural clone, which is changed.
        kept: Indices of the layers that stay, ascending.
        where: The method that asks, for messages.

    Raises:
        ConfigError: If layers of this model depend on each other.
    """
    path, layers = decoder_layers(clone, where)
    config = clone.config.get_text_config(decoder=True)
    for name in _DEPENDENT:
        if getattr(config, name, 0):
            hint = "Leave this method out for this model."
            raise ConfigError(
                f"compression: {where}", f"{type(clone).__name__} with {name}", "layers by themselves", hint
            )
    replace_module(clone, path, nn.ModuleList(layers[index] for index in kept))
    for new, old in enumerate(kept):
        for module in layers[old].modules():
            for name in ("layer_idx", "layer_id", "layer_number"):
                if getattr(module, name, None) == old:
                    setattr(module, name, new)
    for name, value in _lists(config).items():
        if name in _INDICES:
            setattr(config, name, [kept.index(index) for index in value if index in kept])
        elif len(value) == len(layers):
            setattr(config, name, [value[index] for index in kept])
    config.num_hidden_layers = len(kept)


def _lists(config: Any) -> dict[str, list[Any]]:
    return {name: value for name, value in vars(config).items() if isinstance(value, list)}
