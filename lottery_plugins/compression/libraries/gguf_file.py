"""A GGUF file, and its tensors in the places of a transformers model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from lottery_plugins.compression.libraries.gguf_blocks import FORMATS
from lottery_plugins.compression.libraries.gguf_linear import GgufEmbedding, GgufLinear
from lottery_plugins.compression.structure import decoder_linears
from lottery_plugins.errors import ConfigError, DataError

__all__ = ["GgufFile"]

_WHERE = "compression: gguf"
_PLAIN = ("F32", "F16", "BF16", "F64")


class GgufFile:
    """The packed tensors of one file.

    Args:
        path: The file.

    Raises:
        DataError: It can't be read as GGUF.
    """

    def __init__(self, path: Path) -> None:
        from gguf import GGUFReader

        self.path = path
        try:
            reader = GGUFReader(path)
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise DataError(str(path), f"can't be read as a GGUF file: {error}", "Get it again.") from error
        self._tensors = {tensor.name: tensor for tensor in reader.tensors}
        self._architecture = str(reader.fields["general.architecture"].contents())

    @classmethod
    def of(cls, model: Any, file: str) -> GgufFile:
        """The file of that name in the model's folder, or of that path; "" for the one that the model remembers.

        Raises:
            ConfigError: The model remembers none.
            DataError: There is no such file.
        """
        made = getattr(model.config, "quantization_config", None)
        file = file or str(getattr(made, "gguf_file", None) or "")
        if not file:
            hint = "Load it with gguf_file=NAME among the model arguments, or write gguf:file=NAME."
            raise ConfigError(_WHERE, f"{type(model).__name__} of no GGUF file", "a model loaded from one", hint)
        if Path(file).is_file():
            return cls(Path(file))
        from transformers.utils import cached_file

        try:
            return cls(Path(cached_file(model.config.name_or_path, file)))
        except OSError as error:
            where = f"{model.config.name_or_path}/{file}"
            raise DataError(where, "is no file that can be read", "Name one in the model's folder.") from error

    def pack(self, model: Any) -> None:
        """Put this file's blocks in the place of the model's weights.

        Args:
            model: Its modules are replaced; its tensors are not changed.

        Raises:
            ConfigError: A tensor is missing, of a format that is not served, or not what the model has.
        """
        names = self._names(model)
        for path, linear in decoder_linears(model, "gguf"):
            tensor = self._tensors.get(f"{names.get_name(path)}.weight")
            if tensor is None:
                raise self._refusal(path, "is not in the file", "a model whose linear layers the file has one by one")
            if tensor.tensor_type.name not in _PLAIN:
                _put(model, path, self._linear(path, linear, tensor, _head_dim(model)))
        self._pack_ends(model)

    def _pack_ends(self, model: Any) -> None:
        """The embedding and the output head, which may be one tensor."""
        embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
        paths = {id(module): path for path, module in model.named_modules()}
        tensor = self._tensors.get("token_embd.weight")
        blocks: torch.Tensor | None = None
        if tensor is not None and tensor.tensor_type.name not in _PLAIN and type(embedding) is nn.Embedding:
            packed = GgufEmbedding(_blocks(tensor), self._format(tensor), embedding.weight.dtype)
            self._check(paths[id(embedding)], packed.dequantize(embedding.weight.dtype), embedding.weight)
            _put(model, paths[id(embedding)], packed)
            blocks = packed.weight.detach()
        own = self._tensors.get("output.weight", tensor)
        if own is None or own.tensor_type.name in _PLAIN or type(head) is not nn.Linear:
            return
        if own is tensor and blocks is not None:
            layer = GgufLinear(blocks, self._format(own), head.bias)
            self._check(paths[id(head)], layer.dequantize(head.weight.dtype), head.weight)
        else:
            layer = self._linear(paths[id(head)], head, own, 0)
        _put(model, paths[id(head)], layer)

    def _linear(self, path: str, linear: nn.Linear, tensor: Any, head_dim: int) -> GgufLinear:
        """The layer of a tensor, its rows in the model's order."""
        blocks, name = _blocks(tensor).to(linear.weight.device), self._format(tensor)
        layer = GgufLinear(blocks, name, linear.bias)
        if head_dim and not _is_same(layer.dequantize(linear.weight.dtype), linear.weight):
            layer = GgufLinear(_rotary_halves_apart(blocks, head_dim), name, linear.bias)
        self._check(path, layer.dequantize(linear.weight.dtype), linear.weight)
        return layer

    def _names(self, model: Any) -> Any:
        """From the names of transformers' modules to those of the file's tensors."""
        from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

        known = {name: architecture for architecture, name in MODEL_ARCH_NAMES.items()}
        if self._architecture not in known:
            raise self._refusal(self._architecture, "is no architecture that the package gguf knows", "one it knows")
        return get_tensor_name_map(known[self._architecture], model.config.get_text_config().num_hidden_layers)

    def _format(self, tensor: Any) -> str:
        name = str(tensor.tensor_type.name)
        if name not in FORMATS:
            raise self._refusal(tensor.name, f"is stored as {name}", f"the formats {', '.join(FORMATS)}")
        return name

    def _check(self, path: str, found: torch.Tensor, loaded: torch.Tensor) -> None:
        if not _is_same(found, loaded):
            allowed = "a model loaded from this file, in rows as they are or as llama.cpp orders queries and keys"
            raise self._refusal(path, "is not what the model has", allowed)

    def _refusal(self, what: str, problem: str, allowed: str) -> ConfigError:
        hint = (
            "Load the model with gguf_file=NAME of this file, and join no method that changes weights; or leave it out."
        )
        return ConfigError(_WHERE, f"{self.path.name}: {what} {problem}", allowed, hint)


def _blocks(tensor: Any) -> torch.Tensor:
    """(rows, bytes of a row) uint8, in memory of its own."""
    return torch.from_numpy(tensor.data.copy())


def _rotary_halves_apart(blocks: torch.Tensor, head_dim: int) -> torch.Tensor:
    """Rows of each head from pairs, as llama.cpp rotates them, to two halves, as transformers does."""
    if blocks.shape[0] % head_dim:
        return blocks
    return blocks.unflatten(0, (-1, head_dim // 2, 2)).transpose(1, 2).flatten(0, 2).contiguous()


def _is_same(found: torch.Tensor, loaded: torch.Tensor) -> bool:
    return bool(torch.equal(found, loaded))  # False for other shapes


def _head_dim(model: Any) -> int:
    config = model.config.get_text_config(decoder=True)
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _put(model: Any, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, module)
