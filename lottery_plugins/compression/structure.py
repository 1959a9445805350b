"""What compression needs to know about the structure of a transformers model.

It knows two things: a decoder is an `nn.ModuleList` with one entry per layer of the config, and the weights worth
compressing are the `nn.Linear` layers in it. Embeddings, norms and the output head are left alone, and so are experts
that are fused into one tensor: the byte counts show how much that is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from torch import nn

from lottery_plugins.compression.held import is_plain
from lottery_plugins.compression.prequantized import how_quantized
from lottery_plugins.compression.progress import steps
from lottery_plugins.errors import ConfigError

__all__ = ["decoder_layers", "decoder_linears", "replace_linears", "replace_module", "structural_clone"]


def structural_clone(model: Any) -> Any:
    """A copy with modules and config of its own, whose parameters and buffers are those of the given model.

    Modules of the copy can be replaced and hooked without a trace on the original; its tensors must not be written to.
    """
    tensors = [*model.parameters(), *model.buffers()]
    return copy.deepcopy(model, {id(tensor): tensor for tensor in tensors})


def decoder_layers(model: Any, where: str) -> tuple[str, nn.ModuleList]:
    """Path and list of the decoder's layers.

    Args:
        model: A transformers causal model.
        where: The method that asks, for the message.

    Raises:
        ConfigError: If there is no list of `num_hidden_layers` modules.
    """
    num_layers = getattr(model.config.get_text_config(decoder=True), "num_hidden_layers", None)
    for path, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == num_layers:
            return path, module
    raise ConfigError(
        f"compression: {where}",
        type(model).__name__,
        "a causal model with a list of num_hidden_layers decoder layers",
        "Leave this method out for this model.",
    )


def decoder_linears(model: Any, where: str) -> list[tuple[str, nn.Linear]]:
    """Path and module of every linear layer in the decoder, in the order of the model.

    Raises:
        ConfigError: If there is none, as in GPT-2, whose layers are of another class, or after quantization; or if the
            checkpoint was quantized elsewhere, unless it was widened as it was loaded.
    """
    path, layers = decoder_layers(model, where)
    linears = [(f"{path}.{name}", m) for name, m in layers.named_modules() if isinstance(m, nn.Linear)]
    made = how_quantized(model.config)
    is_widened = made.startswith("gguf") and all(map(is_plain, layers.parameters()))
    if made and not is_widened:
        hint = "Use the original checkpoint, or a KV-cache method, which leaves the weights alone."
        raise ConfigError(f"compression: {where}", f"a checkpoint quantized by {made}", "dense weights", hint)
    if not linears:
        raise ConfigError(
            f"compression: {where}",
            type(model).__name__,
            "a model whose decoder has torch.nn.Linear layers",
            "Leave this method out for this model, or use one that was not compressed already.",
        )
    return linears


def replace_linears(model: Any, replacement: Callable[[str, nn.Linear], nn.Module], where: str) -> Any:
    """A structural clone in which every linear layer of the decoder is replaced.

    Args:
        model: A transformers causal model; not changed.
        replacement: Makes the new layer from the path and the old layer.
        where: The method that asks, for messages.

    Raises:
        ConfigError: If the decoder has no `nn.Linear`.
    """
    clone = structural_clone(model)
    for path, linear in steps(decoder_linears(clone, where), where):
        replace_module(clone, path, replacement(path, linear))
    return clone


def replace_module(model: Any, path: str, module: nn.Module) -> None:
    """Put a module in the place of another."""
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, module)
