"""Steps as they are recorded."""

from __future__ import annotations

from lottery_plugins.generation import Completion
from lottery_plugins.trajectory import Step

__all__ = ["generate_step"]


def generate_step(completion: Completion, purpose: str) -> Step:
    """The record of a completion."""
    return Step(
        kind="generate",
        purpose=purpose,
        prompt=completion.prompt,
        output=completion.text,
        prompt_tokens=completion.prompt_tokens,
        cached_tokens=completion.cached_tokens,
        completion_tokens=completion.completion_tokens,
        forwarded_tokens=completion.forwarded_tokens,
        finish_reason=completion.finish_reason,
        seconds=completion.seconds,
    )
