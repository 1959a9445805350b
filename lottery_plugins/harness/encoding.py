"""The tokens of lm-eval's scoring requests, split as its own models split them."""

from __future__ import annotations

from typing import Any

__all__ = ["encode_pair"]


def encode_pair(base: Any, context: str, continuation: str) -> tuple[list[int], list[int]]:
    """The tokens that lm-eval's own `loglikelihood` would score after those of the context."""
    if context:
        return base._encode_pair(context, continuation)  # type: ignore[no-any-return]
    ids = base.tok_encode(continuation, add_special_tokens=False)
    if base.prefix_token_id != ids[0]:
        return [base.prefix_token_id], ids
    return ids[:1], ids[1:]
