"""The tensors that a module really holds, whatever a library hides them in.

`state_dict` is no measure: bitsandbytes changes its layers when asked for it, and torchao's weights say that they are
dense. So tensor subclasses are taken apart, and the layers of the libraries below are looked into.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

__all__ = ["held_tensors", "is_plain"]

_LIBRARIES = frozenset({"bitsandbytes", "compressed_tensors", "gptqmodel", "hqq", "optimum", "torchao"})
"""Whose layers keep tensors elsewhere than among parameters and buffers."""

_DENSE = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def is_plain(tensor: Any) -> bool:
    """Whether a tensor holds its numbers itself, as one floating point number for each element."""
    return type(tensor) in (torch.Tensor, nn.Parameter) and tensor.dtype in _DENSE


def held_tensors(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Name and tensor of all that a model stores for good, tied ones under each of their names.

    Buffers that are computed anew when a model is loaded are left out. A tensor subclass is given as its parts.
    """
    for path, module in model.named_modules(remove_duplicate=False):
        prefix = f"{path}." if path else ""
        for name, value in _of_module(module):
            yield from _parts(f"{prefix}{name}", value)


def _of_module(module: nn.Module) -> Iterator[tuple[str, Any]]:
    yield from ((name, value) for name, value in module._parameters.items() if value is not None)
    for name, value in module._buffers.items():
        if value is not None and name not in module._non_persistent_buffers_set:
            yield name, value
    if _is_of_library(module):
        own = ("_parameters", "_buffers", "_modules")
        yield from ((name, value) for name, value in vars(module).items() if name not in own)


def _parts(name: str, value: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """The plain tensors in a value, however deep a library put them; nothing where there is none."""
    waiting, seen = [(name, value)], set()
    while waiting:
        name, value = waiting.pop()
        if id(value) in seen or isinstance(value, nn.Module):
            continue
        seen.add(id(value))
        if hasattr(type(value), "__tensor_flatten__"):
            waiting += [(f"{name}.{part}", getattr(value, part)) for part in value.__tensor_flatten__()[0]]
            continue
        if isinstance(value, torch.Tensor):
            yield name, value.detach()
        if isinstance(value, dict):
            waiting += [(f"{name}.{key}", inner) for key, inner in value.items()]
        elif _is_of_library(value):  # a bitsandbytes weight carries its scales with it
            waiting += [(f"{name}.{key}", inner) for key, inner in vars(value).items()]


def _is_of_library(value: object) -> bool:
    roots = {cls.__module__.partition(".")[0] for cls in type(value).__mro__}
    return bool(roots & _LIBRARIES) and hasattr(value, "__dict__")
