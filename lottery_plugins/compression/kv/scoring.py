"""Log-likelihood under a press: prefill the context, press, then score the continuation on what is left.

One forward over context and continuation, the usual way, never reads the cache, so no press would be measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from transformers import DynamicCache

from lottery_plugins.compression.kv.press import cache_state
from lottery_plugins.errors import DataError

__all__ = ["ContinuationScore", "score_in_two_phases"]


class ContinuationScore(NamedTuple):
    """How likely a continuation is.

    Attributes:
        logprob: Natural logarithm of its probability, all tokens together.
        is_greedy: Whether greedy decoding would produce it.
    """

    logprob: float
    is_greedy: bool


def score_in_two_phases(model: Any, context_ids: Sequence[int], continuation_ids: Sequence[int]) -> ContinuationScore:
    """Score a continuation after its context was prefilled, and compressed by what is attached to the model, if any.

    The continuation is read at once: what a method does every so many generated tokens has no place here.

    Args:
        model: A transformers causal model in eval mode.
        context_ids: Tokens of the context, at least one.
        continuation_ids: Tokens to score, at least one.

    Raises:
        DataError: If context or continuation is empty.
    """
    if not context_ids or not continuation_ids:
        raise DataError("log-likelihood in two phases", "needs a token of context and one of continuation")
    tokens = torch.tensor([[*context_ids, *continuation_ids]], device=model.device)  # (1, context + continuation)
    num_context = len(context_ids)
    cache = DynamicCache(config=model.config)
    inputs = {"past_key_values": cache, "use_cache": True}
    with torch.no_grad():
        prefill = model(input_ids=tokens[:, :num_context], logits_to_keep=1, **inputs)
        logits = prefill.logits[:, -1:]  # (1, 1, vocab)
        if (state := cache_state(cache)) is not None:
            state.is_scored = True
        if len(continuation_ids) > 1:
            positions = torch.arange(num_context, tokens.shape[1] - 1, device=model.device)[None]
            rest = model(input_ids=tokens[:, num_context:-1], position_ids=positions, **inputs)
            logits = torch.cat([logits, rest.logits], dim=1)
    target = tokens[:, num_context:]
    logprobs = logits.float().log_softmax(dim=-1).gather(-1, target[..., None])  # (1, continuation, 1)
    return ContinuationScore(float(logprobs.sum()), bool((logits.argmax(dim=-1) == target).all()))
