"""What is asked of a backend and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from lottery_plugins.messages import Message

__all__ = ["Completion", "FinishReason", "GenerationConfig", "GenerationRequest"]

FinishReason = Literal["stop", "length", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationConfig:
    """How one completion is generated.

    Attributes:
        max_tokens: Most tokens to generate, at least 1.
        stop: Strings that end the completion; they are not part of it.
        do_sample: False is greedy decoding; then temperature, top_p and top_k must not matter.
        temperature: Softmax temperature, above 0 when sampling.
        top_p: Nucleus mass in (0, 1]; None leaves it to the backend.
        top_k: Candidates kept; None leaves it to the backend.
        seed: Seeds sampling where the backend can; None leaves it to the backend.
        extra: Other `gen_kwargs` of the task, handed on untouched, sorted by name.
    """

    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    do_sample: bool = False
    temperature: float = 1.0
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    extra: tuple[tuple[str, object], ...] = ()

    def with_changes(self, **changes: object) -> GenerationConfig:
        """A copy with some fields replaced."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One completion to be made.

    Attributes:
        messages: The turns so far; a trailing assistant message is continued.
        config: How to generate.
        text: The rendered prompt when the caller has it already; then messages are not rendered again.
        sample: Tells repeats of one request apart (self-consistency, lm-eval's `repeats`).
        trajectory: Number of the problem that it is a step of, from 1; 0: of none. A problem's steps share a history.
    """

    messages: tuple[Message, ...]
    config: GenerationConfig
    text: str | None = None
    sample: int = 0
    trajectory: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a backend.

    Attributes:
        text: What was generated, without the stop string.
        prompt: The rendered prompt as the model saw it.
        prompt_tokens: Tokens of the prompt; None where the backend can't tell.
        cached_tokens: How many of them came from a cache.
        completion_tokens: Tokens generated; None where the backend can't tell.
        forwarded_tokens: Tokens sent through the model, prompt and generated; None where the backend can't tell.
        finish_reason: "stop", "length", or "unknown" where the backend can't tell.
        seconds: Its share of the model's time: that of the batches it was made in, shared out over their rows. Where
            the model runs elsewhere, from the request to the answer.
        ids: Generated tokens before the stop string; () where the backend can't tell.
    """

    text: str
    prompt: str
    prompt_tokens: int | None = None
    cached_tokens: int = 0
    completion_tokens: int | None = None
    forwarded_tokens: int | None = None
    finish_reason: FinishReason = "unknown"
    seconds: float = 0.0
    ids: tuple[int, ...] = ()
