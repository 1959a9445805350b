"""Engines: token ids in, token ids out. What every step of every reasoner and every lm-eval request goes through.

An engine answers many requests at once; each request is one `await`. Whoever asks keeps the token ids of its history
and hands over only what is new, so nothing is ever tokenised twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from lottery_plugins.errors import ConfigError

__all__ = ["Capabilities", "SamplingParams", "Session", "TokenCompletion", "TokenEngine", "TokenScore"]

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """How one completion is made.

    Attributes:
        max_tokens: Most tokens to generate, at least 1.
        stop: Strings that end the completion; they are not part of it. None of them is empty.
        do_sample: False is greedy decoding; temperature, top_p and top_k then do nothing.
        temperature: Softmax temperature, above 0.
        top_p: Nucleus mass in (0, 1]; None: 1.
        top_k: Candidates kept, at least 1; None: all.
        seed: Seeds sampling, together with `sample`, the prompt's ids and the index of the token: the same request
            draws the same tokens whatever runs beside it.
        sample: Tells repeats of one request apart.
        ignore_end: Go on after an end-of-text token, to `max_tokens`. For measurements.

    Raises:
        ConfigError: A value is not allowed, or two contradict each other.
    """

    max_tokens: int
    stop: tuple[str, ...] = ()
    do_sample: bool = False
    temperature: float = 1.0
    top_p: float | None = None
    top_k: int | None = None
    seed: int = 0
    sample: int = 0
    ignore_end: bool = False

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ConfigError("max_tokens", self.max_tokens, "at least 1", "A completion has at least one token.")
        if not all(isinstance(text, str) and text for text in self.stop):
            raise ConfigError("stop", list(self.stop), "non-empty strings", "An empty one would stop before all text.")
        if self.do_sample and not self.temperature > 0:
            raise ConfigError("temperature", self.temperature, "above 0 when sampling", "Use do_sample=false instead.")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ConfigError("top_p", self.top_p, "a number in (0, 1]", "1 keeps all tokens.")
        if self.top_k is not None and self.top_k < 1:
            raise ConfigError("top_k", self.top_k, "at least 1", "Leave it out to keep all tokens.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an engine can do. Whoever needs what is missing is told before the run.

    Attributes:
        name: As the user writes it: "packed", "rounds", "vllm", "openai".
        sessions: Whether history is kept between the calls of a session instead of being computed again.
        kv_compression: Whether a KV-cache method can work in it.
        scoring: Whether `score` works.
        batch_invariant: Whether fp32 greedy tokens are the same alone and in any batch.
        max_length: Most tokens of prompt and completion together; None where unknown.
    """

    name: str
    sessions: bool
    kv_compression: bool
    scoring: bool
    batch_invariant: bool
    max_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCompletion:
    """One answer.

    Attributes:
        ids: Generated tokens that lie wholly before the stop string; without the end-of-text token.
        text: Their text and what of the next token is before the stop string.
        finish_reason: "stop" after a stop string or an end-of-text token, else "length".
        prompt_tokens: Tokens of the whole prompt, history included.
        cached_tokens: How many of them were not computed again.
        forwarded_tokens: Tokens that this request sent through the model, prompt and generated.
        generated_tokens: Tokens drawn, those of the stop string and the end included.
        seconds: Its share of the model's time; where an engine can't tell, from the request to the answer.
    """

    ids: tuple[int, ...]
    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    cached_tokens: int = 0
    forwarded_tokens: int = 0
    generated_tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenScore:
    """How likely a continuation is.

    Attributes:
        logprobs: Natural logarithm of each continuation token's probability; one number for all of them together from
            an engine that knows no more (rounds).
        is_greedy: Whether greedy decoding would produce it.
        cached_tokens: Tokens of the context that were not computed again.
        forwarded_tokens: Tokens that this request sent through the model.
        seconds: Its share of the model's time; where an engine can't tell, from the request to the answer.
    """

    logprobs: tuple[float, ...]
    is_greedy: bool
    cached_tokens: int = 0
    forwarded_tokens: int = 0
    seconds: float = 0.0

    @property
    def logprob(self) -> float:
        """Natural logarithm of the probability of all tokens together."""
        return sum(self.logprobs)


@dataclass(slots=True, eq=False)
class Session:
    """A history in an engine. Made by `TokenEngine.open` and `fork`; only the engine changes it.

    Attributes:
        ids: Tokens so far: prompts, and completions up to their stop strings.
        rank: Place among the trajectories; the engine finishes those of low rank first.
        state: The engine's own: caches that only this session may use. None where it needs nothing.
    """

    ids: list[int] = field(default_factory=list)
    rank: int = 0
    state: Any = None


@runtime_checkable
class TokenEngine(Protocol):
    """Answers requests for one model. All methods are called on one event loop."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; does not change."""
        ...

    def open(self, rank: int = 0) -> Session:
        """A new, empty session."""
        ...

    async def generate(self, new_ids: Sequence[int], session: Session, params: SamplingParams) -> TokenCompletion:
        """Append tokens to a session, then generate; the session then ends with the completion's `ids`.

        Cancelling it frees what it holds and leaves the session as it was before; others are unharmed.

        Args:
            new_ids: What follows the session's ids; together at least one token.
            session: Has no other request under way.
            params: How to generate.

        A completion that reaches the end of the model's window ends there, with "length".

        Raises:
            DataError: The prompt leaves no room in the model's window, or in the cache.
            RunEndedError: The model gives no usable numbers; no request can be answered any more.
        """
        ...

    async def score(self, context_ids: Sequence[int], continuation_ids: Sequence[int]) -> TokenScore:
        """Score a continuation after its context, each at least one token.

        Raises:
            DataError: They do not fit the model's window, or one is empty.
            ConfigError: The engine can't score.
        """
        ...

    def fork(self, session: Session, num_tokens: int | None = None) -> Session:
        """A second session with the same history, or with its first `num_tokens`; both go on independently."""
        ...

    def release(self, session: Session) -> None:
        """End a session: what it holds may be used for others. A second call does nothing."""
        ...

    async def pin_prefix(self, ids: Sequence[int]) -> None:
        """Compute a prefix now and keep it until the engine is closed; others that start with it find it."""
        ...
