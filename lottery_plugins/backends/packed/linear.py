"""Linear layers on the CPU in the way that is fastest here: together, and in oneDNN's own layout.

Layers that are given the same states (query, key and value; gate and up) are one product. PyTorch hands a product to
MKL (float32) or to oneDNN, which reorders weights at each call (bfloat16); a copy of them in oneDNN's layout may help.
What helps depends on machine, shape, type and number of tokens (for one token in float32 the copy is slower); so it is
measured, once per shape.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from lottery_plugins.backends.packed.linear_trial import TOKENS, Times, measured
from lottery_plugins.backends.packed.norms import replace_norms

__all__ = ["FastLinear", "JoinedLinears", "PrepackReport", "prepacked"]

_TYPES = (torch.float32, torch.bfloat16)
_GAIN = 1.05  # faster by at least this
_GAIN_OF_HEAD = 1.15  # for a head tied to the embedding, whose own weights stay beside the copy
_TRIED = 8  # groups of one shape that a trial goes around in, so that weights come from memory as in a real step
Group = list[tuple[str, nn.Linear]]  # layers of one module that get the same states, with their paths


@dataclass(slots=True)
class PrepackReport:
    """What was replaced.

    Attributes:
        layers: Linear layers replaced.
        norms: Norms replaced.
        bytes_added: Bytes of the copies.
    """

    layers: int = 0
    norms: int = 0
    bytes_added: int = 0


class JoinedLinears:
    """Layers that are given the same states, one after the other, as one product. A group may have one layer.

    Args:
        linears: The layers, alike but for their output size.
        packed: Whether to keep the weights in oneDNN's layout.
    """

    def __init__(self, linears: Sequence[nn.Linear], *, packed: bool) -> None:
        weight = linears[0].weight if len(linears) == 1 else torch.cat([linear.weight for linear in linears])
        biases = [linear.bias for linear in linears if linear.bias is not None]
        self._weight = _pack(weight) if packed else weight.detach()
        self._bias = torch.cat(biases).detach() if biases else None
        self._product = _packed_product if packed else nn.functional.linear
        self._sizes = [linear.out_features for linear in linears]
        self._states: torch.Tensor | None = None
        self._parts: dict[int, torch.Tensor] = {}

    def all(self, states: torch.Tensor) -> torch.Tensor:
        """The outputs of all layers side by side."""
        return self._product(states, self._weight, self._bias)

    def one(self, index: int, states: torch.Tensor) -> torch.Tensor:
        """The output of one layer. Those of the others are kept until they are asked for with the same tensor."""
        if self._states is not states or index not in self._parts:
            self._states = states
            self._parts = dict(enumerate(self.all(states).split(self._sizes, dim=-1)))
        part = self._parts.pop(index)
        if not self._parts:
            self._states = None
        return part


class FastLinear(nn.Module):  # type: ignore[misc]  # torch is not followed
    """`nn.Linear` for inference, as one of joined layers, beside its original weights.

    The original stays: it is used for few tokens, and shared with the given model.

    Args:
        linear: The layer.
        joined: The layers computed together.
        index: Which of them it is.
        min_tokens: Tokens from which they are.
    """

    def __init__(self, linear: nn.Linear, joined: JoinedLinears, index: int = 0, min_tokens: int = 1) -> None:
        super().__init__()
        self._least = min_tokens * linear.in_features
        self.weight, self.bias = linear.weight, linear.bias
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self._joined, self._index = joined, index

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - some models name it, as of `nn.Linear`
        """The product; (..., in_features) to (..., out_features)."""
        if input.numel() < self._least or not input.numel():
            return nn.functional.linear(input, self.weight, self.bias)
        return self._joined.one(self._index, input)


def _pack(weight: torch.Tensor) -> torch.Tensor:
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach(), TOKENS[-1])


def _packed_product(states: torch.Tensor, packed: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    return torch.ops.mkldnn._linear_pointwise(states, packed, bias, "none", [], "")


def prepacked(model: Any, bytes_allowed: float = float("inf")) -> tuple[Any, PrepackReport]:
    """A structural clone whose plain linear layers are joined and packed where a short trial shows a gain, and whose
    norms are one function each.

    Args:
        model: A transformers model on the CPU; not changed, and its tensors are shared.
        bytes_allowed: Most bytes of the copies; layers beyond are left as they are.

    Returns:
        The clone, or the given model where nothing gains, and what was done.
    """
    report = PrepackReport()
    clone = _structural_clone(model)
    tied = clone.get_input_embeddings().weight
    alike: dict[tuple[Any, ...], list[Group]] = {}
    for group in _groups(clone):
        alike.setdefault(tuple((*m.weight.shape, m.weight.dtype, m.bias is not None) for _, m in group), []).append(
            group
        )
    for groups in alike.values():
        times = _trial([[linear for _, linear in group] for group in groups[:_TRIED]])
        for group in groups:
            needed = _GAIN_OF_HEAD if group[0][1].weight is tied else _GAIN
            size = sum(linear.weight.nbytes for _, linear in group)
            way = _best(times, needed)
            if way and report.bytes_added + size <= bytes_allowed:
                _replace(clone, group, packed=way == "packed", least=_min_tokens(times, way, group[0][1].weight.dtype))
                report.layers += len(group)
                report.bytes_added += size
    report.norms = replace_norms(clone)
    return (clone, report) if report.layers or report.norms else (model, report)


def _structural_clone(model: Any) -> Any:
    """A copy with modules and config of its own, whose parameters and buffers are those of the given model."""
    tensors = [*model.parameters(), *model.buffers()]
    return copy.deepcopy(model, {id(tensor): tensor for tensor in tensors})


def _groups(model: Any) -> list[Group]:
    """The plain linear layers that a forward uses, those of one module together that it gives the very same states.

    In bfloat16 each stays alone: joined or not, it would round otherwise.
    """
    paths = {
        module: path for path, module in model.named_modules() if type(module) is nn.Linear and _is_plain(module.weight)
    }
    found: dict[tuple[Any, ...], Group] = {}
    seen: list[torch.Tensor] = []  # kept, so that no two of them have one id

    def note(module: nn.Linear, given: tuple[torch.Tensor, ...], named: dict[str, torch.Tensor]) -> None:
        (states,) = *given, *named.values()
        seen.append(states)
        alone = paths[module] if module.weight.dtype is not torch.float32 else ""
        key = (paths[module].rpartition(".")[0], id(states), module.weight.dtype, module.bias is None, alone)
        group = found.setdefault(key, [])
        if all(other is not module for _, other in group):
            group.append((paths[module], module))

    hooks = [module.register_forward_pre_hook(note, with_kwargs=True) for module in paths]
    try:
        with torch.inference_mode():
            model(input_ids=torch.zeros(1, 2, dtype=torch.long), use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return list(found.values())


def _is_plain(weight: torch.Tensor) -> bool:
    """Whether it holds its numbers itself: a torchao weight says that it has a type of these, and is quantized."""
    return type(weight) is nn.Parameter and weight.dtype in _TYPES and weight.device.type == "cpu"


def _replace(model: Any, group: Group, *, packed: bool, least: int) -> None:
    joined = JoinedLinears([linear for _, linear in group], packed=packed)
    for index, (path, linear) in enumerate(group):
        parent, _, name = path.rpartition(".")
        setattr(model.get_submodule(parent), name, FastLinear(linear, joined, index, least))


def _trial(groups: list[list[nn.Linear]]) -> Times:
    """Times of the ways to compute groups of one shape: "apart" as they are, "joined", and "packed"."""
    first = groups[0]
    ways: dict[str, list[Callable[[torch.Tensor], Any]]] = {"apart": [partial(_apart, group) for group in groups]}
    with torch.inference_mode():
        if len(first) > 1:
            ways["joined"] = [JoinedLinears(group, packed=False).all for group in groups]
        if torch.backends.mkldnn.is_available():
            try:
                packed = [JoinedLinears(group, packed=True) for group in groups]
                packed[0].all(first[0].weight.new_zeros(1, 1, first[0].in_features))
                ways["packed"] = [joined.all for joined in packed]
            except RuntimeError:  # this build of oneDNN does not know the type or the shape
                pass
        return measured(ways, first[0].in_features, first[0].weight.dtype)


def _apart(linears: list[nn.Linear], states: torch.Tensor) -> list[torch.Tensor]:
    return [linear(states) for linear in linears]


def _best(times: Times, needed: float) -> str:
    """The fastest way at the most tokens; "" where it is not faster than "apart" by the factor that is needed."""
    at = {way: taken[TOKENS[-1]] for way, taken in times.items()}
    best = min(at, key=lambda way: at[way])
    return best if best != "apart" and at["apart"] >= needed * at[best] else ""


def _min_tokens(times: Times, way: str, dtype: torch.dtype) -> int:
    """The fewest tokens of a trial from which on no trial was lost.

    In bfloat16 always 1: the two ways round differently, and a token must not depend on how many others there are.
    """
    if dtype is not torch.float32:
        return 1
    lost = [tokens for tokens in TOKENS if times[way][tokens] > times["apart"][tokens]]
    return min(tokens for tokens in TOKENS if tokens > max(lost, default=0))
