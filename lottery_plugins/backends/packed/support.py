"""Which models the packed runner serves. What it does not serve is refused by name; then another engine answers.

Three looks, each finding what the one before can't: at the config, at a forward of two tokens that records how each
layer attends, and at the numbers of a few small steps beside those of the model's own forward.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import DynamicCache

from lottery_plugins.backends.packed.attention import Attending
from lottery_plugins.backends.packed.cache import LayerShape
from lottery_plugins.backends.packed.steps import Executor
from lottery_plugins.errors import ConfigError, LotteryError
from lottery_plugins.protocols.runner import Row

__all__ = ["check", "layer_shapes", "max_length", "refusal", "self_check"]

_SERVED_CACHES = {"DynamicLayer", "DynamicSlidingWindowLayer"}
_EXACT, _ROUNDED = 2e-3, 0.5  # largest error of a token's logits, in their standard deviations; on average half of it


def refusal(model: Any, what: str, allowed: str) -> ConfigError:
    """The error that says what of a model is not served."""
    return ConfigError("engine: packed", f"{type(model).__name__} ({what})", allowed, "Use engine=rounds.")


def check(model: Any) -> None:
    """Refuse a model that its config shows to be unserved.

    Raises:
        ConfigError: Naming the model and the reason.
    """
    config = model.config
    if model.training:
        raise refusal(model, "in training mode", "a model in eval mode")
    if getattr(config, "is_encoder_decoder", False) or getattr(config, "add_cross_attention", False):
        raise refusal(model, "cross attention", "a decoder-only model")
    alibi = getattr(config, "alibi", False) or getattr(getattr(config, "attn_config", None), "alibi", False)
    parameters = inspect.signature(model.forward).parameters
    if alibi or "position_ids" not in parameters:
        raise refusal(model, "positions from the mask", "a model that takes position_ids")
    if "logits_to_keep" not in parameters:
        raise refusal(model, "no logits_to_keep", "a causal model of transformers 5")
    unserved = {type(layer).__name__ for layer in _cache_layers(model)} - _SERVED_CACHES
    if unserved:
        raise refusal(model, f"cache layers: {', '.join(sorted(unserved))}", "full or sliding attention in every layer")


def max_length(model: Any) -> int | None:
    """Most positions of one sequence; None where the config does not tell.

    Beyond its original length, longrope turns all positions by other angles, those of the other rows included.
    """
    config = model.config.get_text_config(decoder=True)
    lengths = [getattr(config, "max_position_embeddings", None)]
    rope = getattr(config, "rope_parameters", None) or {}
    for part in (rope, *(value for value in rope.values() if isinstance(value, dict))):
        if part.get("rope_type") in ("longrope", "dynamic"):
            original = getattr(config, "original_max_position_embeddings", None)
            lengths.append(part.get("original_max_position_embeddings") or original)
    return min((length for length in lengths if length), default=None)


def _cache_layers(model: Any) -> Sequence[Any]:
    with _refusing(model):
        layers: Sequence[Any] = DynamicCache(config=model.config.get_text_config(decoder=True)).layers
    return layers


@contextmanager
def _refusing(model: Any) -> Iterator[None]:
    """Turns whatever a model raises in a first try into its refusal; what has a text for the user keeps it."""
    try:
        yield
    except (LotteryError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # code of any architecture, which another engine may serve
        what = f"{type(error).__name__}: {error}"
        raise refusal(model, what, "a model that attends through transformers' interface") from error


@dataclass(slots=True)
class _Recorder:
    """A plan that writes down how the layers attend, and answers with zeros."""

    seen: list[tuple[int, LayerShape, tuple[int, ...]]] = field(default_factory=list)

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scaling: float | None,
        window: int | None,
    ) -> torch.Tensor:
        """Record; see `Plan.attend`."""
        shape = LayerShape(key.shape[1], key.shape[3], key.dtype, window, query.shape[1], scaling)
        self.seen.append((layer, shape, tuple(value.shape)))
        return query.new_zeros(1, query.shape[2], query.shape[1], value.shape[3])


def layer_shapes(model: Any) -> list[LayerShape]:
    """What each layer keeps, found by a forward of two tokens.

    Raises:
        ConfigError: A layer does not attend in a way that is served.
    """
    recorder = _Recorder()
    device = model.get_input_embeddings().weight.device
    with _refusing(model), torch.inference_mode(), Attending(model).through(recorder):
        model(
            input_ids=torch.zeros(1, 2, dtype=torch.long, device=device),
            position_ids=torch.arange(2, device=device)[None],
            use_cache=False,
        )
    caches = _cache_layers(model)
    found = sorted(recorder.seen, key=lambda seen: seen[0])
    if not found or [seen[0] for seen in found] != list(range(len(found))) or len(found) < len(caches):
        what = f"{len(found)} calls of the attention function for {len(caches)} layers"
        raise refusal(model, what, "one call per layer")
    for (layer, shape, value), cache in zip(found, caches, strict=False):
        if (1, shape.kv_heads, 2, shape.head_dim) != value:
            raise refusal(model, f"layer {layer}: values unlike its keys", "keys and values of one shape")
        if getattr(cache, "sliding_window", None) != shape.window:
            raise refusal(model, f"layer {layer}: a window of {shape.window}", "the window of the model's own cache")
    return [shape for _, shape, _ in found]


def self_check(model: Any, executor: Executor, block_size: int) -> None:
    """Compare a few steps with the model's own forward: the guard against any architecture that nobody thought of.

    Uses the first blocks of the pool, so it comes before anything is kept there. A model that gives NaN passes; its
    rows are named when they do.

    Args:
        model: As it was loaded.
        executor: Runs it, or a copy with other linear layers.
        block_size: Positions a block.

    Raises:
        ConfigError: They differ.
    """
    length = 2 * block_size + 5
    vocabulary = model.get_input_embeddings().weight.shape[0]
    drawn = torch.randint(vocabulary, (2, length), generator=torch.Generator().manual_seed(0))
    drawn[1, :block_size] = drawn[0, :block_size]
    ids: list[list[int]] = drawn.tolist()
    expected = [_own_logits(model, row) for row in ids]  # (length, vocabulary) each
    tables = ((0, 3, 1), (0, 2, 4))
    first, second = length - 8, block_size + 3
    steps = [
        [_row(ids[0], tables[0], 0, first)],
        [_row(ids[0], tables[0], first, length - 2), _row(ids[1], tables[1], block_size, second)],
        [_row(ids[1], tables[1], second, second + 1), _row(ids[0], tables[0], length - 2, length - 1)],
        [_row(ids[0], tables[0], length - 1, length), _row(ids[1], tables[1], second + 1, length)],
    ]
    for rows in steps:
        step = executor.pack(rows)
        with _refusing(model):
            logits = executor.logits(step).float().cpu()
        for index, row in enumerate(step.rows):
            own = expected[0] if row.blocks == tables[0] else expected[1]
            got = logits[step.keep_starts[index] : step.keep_starts[index + 1]]
            _compare(model, got, own[row.position : row.position + len(row.ids)])


def _row(ids: list[int], blocks: tuple[int, ...], start: int, stop: int) -> Row:
    """Positions [start, stop) of a text, with all their logits asked for."""
    return Row(ids=ids[start:stop], cached=start, position=start, blocks=blocks, targets=ids[start:stop])


def _own_logits(model: Any, ids: list[int]) -> torch.Tensor:
    device = model.get_input_embeddings().weight.device
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids], device=device), use_cache=False).logits[0].float().cpu()


def _is_exact(model: Any) -> bool:
    """Whether nothing is rounded to less than float32: in bfloat16, eager and sdpa attention differ by 0.2."""
    tensors = (*model.parameters(), *model.buffers())  # not of `state_dict`: bitsandbytes changes its layers for it
    return all(tensor.dtype in (torch.float32, torch.int64, torch.bool) for tensor in tensors)


def _compare(model: Any, got: torch.Tensor, expected: torch.Tensor) -> None:
    if not bool(expected.isfinite().all()):
        return
    error = (got - expected).pow(2).mean(dim=-1).sqrt() / expected.std(dim=-1).clamp(min=1e-6)  # per token
    allowed = _EXACT if _is_exact(model) else _ROUNDED
    if not float(error.max()) <= allowed or not float(error.mean()) <= allowed / 2:
        what = f"its logits differ by {float(error.max()):.3g} of their standard deviation"
        raise refusal(model, what, f"a model that attends through transformers' interface: at most {allowed}")
