"""How transformers reads a checkpoint with compressed layers: the quantization method "lottery".

`config.json` lists the layout of each compressed layer; `from_pretrained` puts empty layers of these layouts into the
model before it reads the tensors. Where this package is installed, `register` is called as soon as transformers loads
its quantizers, so nothing has to be imported by hand.

Without this package transformers would warn about an unknown method and go on with random weights. A marker, an empty
tensor in the place of one compressed weight, makes it stop with an error instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers.quantizers.auto import AUTO_QUANTIZER_MAPPING, register_quantization_config, register_quantizer
from transformers.quantizers.base import HfQuantizer
from transformers.utils.quantization_config import QuantizationConfigMixin

from lottery_plugins.errors import DataError

__all__ = ["QUANT_METHOD", "LotteryConfig", "LotteryQuantizer", "place_layers", "register"]

QUANT_METHOD = "lottery"
_MARKER = "weight"
"""Name of the empty tensor, in the first compressed layer; compressed layers have no tensor of that name."""

_WHERE = "checkpoint of compressed layers"


class LotteryConfig(QuantizationConfigMixin):  # type: ignore[misc]  # mypy sees transformers as Any
    """What `config.json` says under `quantization_config`.

    Attributes:
        layers: `CompressedLinear.layout` by the path of the layer.

    Raises:
        DataError: There are none.
    """

    def __init__(self, layers: object = None, **_: Any) -> None:
        self.quant_method = QUANT_METHOD
        if not isinstance(layers, Mapping) or not layers:
            raise DataError(_WHERE, "has a config.json without its layers", "Make it again, or get it again.")
        self.layers = dict(layers)


class LotteryQuantizer(HfQuantizer):  # type: ignore[misc]
    """Builds the layers before the tensors are read."""

    requires_calibration = True  # so that transformers refuses it for a checkpoint that is not compressed yet

    def _process_model_before_weight_loading(self, model: Any, **_: Any) -> Any:
        place_layers(model, self.quantization_config.layers)
        ignored = {*(model._keys_to_ignore_on_load_unexpected or ()), rf"^{re.escape(self._marker)}$"}
        model._keys_to_ignore_on_load_unexpected = ignored
        return model

    def _process_model_after_weight_loading(self, model: Any, **_: Any) -> Any:
        for path in self.quantization_config.layers:
            for name, tensor in model.get_submodule(path).state_dict(keep_vars=True).items():
                if not getattr(tensor, "_is_hf_initialized", False):  # transformers only warns
                    raise DataError(_WHERE, f"lacks the tensor {path}.{name}", "Make it again, or get it again.")
        return model

    @property
    def _marker(self) -> str:
        return f"{min(self.quantization_config.layers)}.{_MARKER}"

    def get_state_dict_and_metadata(self, model: Any) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
        """What `save_pretrained` writes: the tensors and the marker."""
        return {**model.state_dict(), self._marker: torch.empty(0)}, {}

    def is_serializable(self) -> bool:
        """Whether `save_pretrained` may write it again."""
        return True

    @property
    def is_trainable(self) -> bool:
        """Whether it can be trained."""
        return False


def place_layers(model: Any, layers: Mapping[str, Any]) -> None:
    """Replace linear layers by empty ones of the given layouts.

    Parameters take the type of the layer they replace, buffers that of the layout.

    Args:
        model: A transformers model; changed in place.
        layers: Layouts by path, maybe from a file that nobody vouches for.

    Raises:
        DataError: A path is none of a linear layer of that size, or a layout is none.
    """
    from lottery_plugins.compression.libraries import layers as _known  # noqa: F401 - makes their kinds known
    from lottery_plugins.compression.linear import CompressedLinear
    from lottery_plugins.compression.weights import low_rank  # noqa: F401 - so that its kind of layer is known

    linears = {path: module for path, module in model.named_modules() if isinstance(module, nn.Linear)}
    for path, layout in layers.items():
        layer = CompressedLinear.from_layout(layout)
        old = linears.get(path)
        if old is None or (old.in_features, old.out_features) != (layer.in_features, layer.out_features):
            problem = f"has a layer {path!r} of {layer.out_features} x {layer.in_features}"
            raise DataError(_WHERE, f"{problem}, which the model has not", "Its config.json is of another model.")
        for parameter in layer.parameters():
            parameter.data = parameter.data.to(old.weight.dtype)
        parent, _, name = path.rpartition(".")
        setattr(model.get_submodule(parent), name, layer.train(model.training))


def register() -> None:
    """Make the format known to transformers. A second call changes nothing."""
    if QUANT_METHOD not in AUTO_QUANTIZER_MAPPING:
        register_quantization_config(QUANT_METHOD)(LotteryConfig)
        register_quantizer(QUANT_METHOD)(LotteryQuantizer)


register()
