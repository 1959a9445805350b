"""Requests in text on an engine that knows only token ids: the way from a reasoner's step to the engine and back."""

from __future__ import annotations

from collections.abc import Mapping

from lottery_plugins.engine.histories import History
from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.errors import ConfigError
from lottery_plugins.generation import Completion, GenerationConfig, GenerationRequest
from lottery_plugins.protocols.engine import SamplingParams, TokenCompletion, TokenEngine

__all__ = ["Conversations", "sampling_params"]

_WITHOUT_EFFECT: Mapping[str, tuple[object, ...] | None] = {
    "use_cache": None,
    "pad_token_id": None,
    "num_beams": (1, None),
    "num_beam_groups": (1, None),
    "num_return_sequences": (1, None),
    "early_stopping": None,
    "length_penalty": None,
    "repetition_penalty": (1, None),
    "no_repeat_ngram_size": (0, None),
    "typical_p": (1, None),
    "min_p": (0, None),
    "epsilon_cutoff": (0, None),
    "eta_cutoff": (0, None),
    "renormalize_logits": None,
    "return_dict_in_generate": (False, None),
    "output_scores": None,
}
"""Settings of `generate` with the values for which they change nothing here; None: whatever the value."""


def sampling_params(config: GenerationConfig, sample: int = 0) -> SamplingParams:
    """What an engine is asked for, from a task's settings; without a seed, seed 0.

    Raises:
        ConfigError: A setting that an engine can't honour, or a value that is not allowed.
    """
    unknown = {name: value for name, value in config.extra if not _is_without_effect(name, value)}
    if unknown:
        raise ConfigError(
            "gen_kwargs",
            unknown,
            "until, max_gen_toks, do_sample, temperature, top_p, top_k and seed",
            "Leave the others out, or use engine=rounds, which hands them to the base model.",
        )
    return SamplingParams(
        max_tokens=config.max_tokens,
        stop=tuple(dict.fromkeys(text for text in config.stop if text)),
        do_sample=config.do_sample,
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=config.top_k,
        seed=config.seed or 0,
        sample=sample,
    )


class Conversations:
    """Answers requests with an engine. Used from one event loop.

    Calls of one trajectory share a history, so that what was encoded or generated before is not encoded again, and the
    engine goes on from what it has. Requests without a trajectory (0) stand alone.

    Args:
        engine: Answers in token ids.
        codec: Of the engine's model.
    """

    def __init__(self, engine: TokenEngine, codec: TokenCodec) -> None:
        self._engine = engine
        self._codec = codec
        self._histories: dict[int, History] = {}

    async def generate(self, request: GenerationRequest) -> Completion:
        """The completion of one request.

        Raises:
            ConfigError: A setting that engines can't honour.
            DataError: Prompt and completion do not fit the model's window.
            BackendError: The model gave no usable numbers.
        """
        params = sampling_params(request.config, request.sample)
        prompt = self._prompt(request)
        history = self._history(request.trajectory)
        call = history.begin(prompt)
        try:
            done = await self._engine.generate(call.new_ids, call.session, params)
        except BaseException:  # a cancelled call, too, leaves the history as it was
            history.give_up(call)
            raise
        history.finish(call, done.text, done.ids)
        if not request.trajectory:
            history.release()
        return _completion(prompt, done)

    def note(self, request: GenerationRequest, completion: Completion) -> None:
        """Take a completion that was made earlier, so that later calls go on from it as they would have then.

        Where its ids are unknown they are made from its text.
        """
        if request.trajectory:
            ids = completion.ids or tuple(self._codec.encode_more(completion.text))
            self._history(request.trajectory).note(self._prompt(request), completion.text, ids)

    def release(self, trajectory: int) -> None:
        """Forget a trajectory and free what the engine holds for it. A second call does nothing."""
        history = self._histories.pop(trajectory, None)
        if history is not None:
            history.release()

    def count_tokens(self, text: str) -> int:
        """Number of tokens of a text, as a prompt of its own."""
        return len(self._codec.encode(text))

    def _prompt(self, request: GenerationRequest) -> str:
        return self._codec.render(request.messages) if request.text is None else request.text

    def _history(self, trajectory: int) -> History:
        """The history of a trajectory; a fresh one for a request that belongs to none."""
        if not trajectory:
            return History(self._engine, self._codec, 0)
        if trajectory not in self._histories:
            self._histories[trajectory] = History(self._engine, self._codec, trajectory)
        return self._histories[trajectory]


def _completion(prompt: str, done: TokenCompletion) -> Completion:
    return Completion(
        text=done.text,
        prompt=prompt,
        prompt_tokens=done.prompt_tokens,
        cached_tokens=done.cached_tokens,
        completion_tokens=done.generated_tokens,
        forwarded_tokens=done.forwarded_tokens,
        finish_reason=done.finish_reason,
        seconds=done.seconds,
        ids=done.ids,
    )


def _is_without_effect(name: str, value: object) -> bool:
    allowed = _WITHOUT_EFFECT.get(name, ())
    return allowed is None or value in allowed
