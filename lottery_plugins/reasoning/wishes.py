"""A task's generation settings with a reasoner's wishes put in."""

from __future__ import annotations

from collections.abc import Sequence

from lottery_plugins.generation import GenerationConfig

__all__ = ["with_wishes"]


def with_wishes(
    config: GenerationConfig, max_tokens: int | None, stop: Sequence[str] | None, temperature: float | None
) -> GenerationConfig:
    """The settings, changed where a wish is not None. A temperature of 0 is greedy decoding."""
    if max_tokens is not None:
        config = config.with_changes(max_tokens=max_tokens)
    if stop is not None:
        config = config.with_changes(stop=tuple(s for s in stop if s))
    if temperature is not None:
        sampled = temperature > 0
        config = config.with_changes(do_sample=sampled, temperature=temperature if sampled else 1.0)
    return config
