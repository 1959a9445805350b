"""Any lm-eval model with a tokenizer as an engine: in rounds, without sessions, in text.

Each request is decoded to text, which the model reads with its own tokenizer, in batches of its own making. So
histories are computed again at each step, tokens can depend on the batch, and sampling on the order of requests:
lm-eval's models seed a whole run, not a request. What can't be had is said: `ignore_end`, log probabilities of single
tokens (a score has one number, for all tokens together), and the number of tokens that a stop string took.
"""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Sequence
from typing import Any

from lottery_plugins.backends.harness_lm import HarnessBackend
from lottery_plugins.engine.rounds import Rounds, RoundScheduler
from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.errors import BackendError, ConfigError, DataError, RunEndedError
from lottery_plugins.generation import GenerationConfig, GenerationRequest
from lottery_plugins.protocols.engine import Capabilities, SamplingParams, Session, TokenCompletion, TokenScore

__all__ = ["RoundEngine"]

_Pair = tuple[list[int], list[int]]


class RoundEngine:
    """An engine (`protocols.engine.TokenEngine`) on an lm-eval model.

    Args:
        lm: The lm-eval model; must have a tokenizer.
        codec: Of the same model.
        round_size: Most requests of one round.

    Raises:
        ConfigError: The model has no tokenizer in this process.
    """

    def __init__(self, lm: Any, codec: TokenCodec, round_size: int) -> None:
        if getattr(lm, "tokenizer", None) is None:
            name = f"{type(lm).__name__} without a tokenizer"
            raise ConfigError("engine=rounds", name, "a model with a tokenizer", "Name one with tokenizer=...")
        self._lm, self._codec = lm, codec
        self._generated = RoundScheduler(HarnessBackend(lm, is_chat=False), round_size)
        self._scored: Rounds[_Pair, tuple[float, bool]] = Rounds(self._score_all, round_size, type(lm).__name__)
        self.capabilities = Capabilities(
            name="rounds",
            sessions=False,
            kv_compression=False,
            scoring=hasattr(lm, "_loglikelihood_tokens"),
            batch_invariant=False,
            max_length=getattr(lm, "max_length", None),
        )

    def open(self, rank: int = 0) -> Session:
        """A new session: its ids and nothing else."""
        return Session(rank=rank)

    def fork(self, session: Session, num_tokens: int | None = None) -> Session:
        """A session with the same ids."""
        kept = len(session.ids) if num_tokens is None else num_tokens
        if not 0 <= kept <= len(session.ids):
            raise DataError("A fork", f"at token {kept} of a session of {len(session.ids)}", "Fork within it.")
        return Session(ids=session.ids[:kept], rank=session.rank)

    def release(self, session: Session) -> None:
        """Nothing to do: nothing is held."""

    async def pin_prefix(self, ids: Sequence[int]) -> None:
        """Nothing to do: nothing is kept."""

    async def generate(self, new_ids: Sequence[int], session: Session, params: SamplingParams) -> TokenCompletion:
        """See the protocol. The ids are those of the answer's text, encoded after it, at most `max_tokens`."""
        if params.ignore_end:
            raise ConfigError(
                "ignore_end", True, "false with engine=rounds", "lm-eval's models stop at the end of text."
            )
        started = time.perf_counter()
        prompt = [*session.ids, *new_ids]
        room = self._room(len(prompt))
        most = params.max_tokens if room is None else min(params.max_tokens, room)
        if most < 1 or not prompt:
            raise DataError(
                "A prompt", f"of {len(prompt)} tokens leaves no room", f"The window has {self.capabilities.max_length}."
            )
        config = GenerationConfig(
            max_tokens=most,
            stop=params.stop,
            do_sample=params.do_sample,
            temperature=params.temperature,
            top_p=params.top_p if params.do_sample else None,
            top_k=params.top_k if params.do_sample else None,
        )
        request = GenerationRequest((), config, text=self._text(prompt), sample=params.sample)
        text = (await self._generated.generate(request)).text
        ids = self._codec.encode_more(text)[:most]
        session.ids[:] = [*prompt, *ids]
        is_full = len(ids) == most
        return TokenCompletion(
            ids=tuple(ids),
            text=text,
            finish_reason="length" if is_full else "stop",
            prompt_tokens=len(prompt),
            forwarded_tokens=len(prompt) + len(ids),
            generated_tokens=len(ids),
            seconds=time.perf_counter() - started,
        )

    async def score(self, context_ids: Sequence[int], continuation_ids: Sequence[int]) -> TokenScore:
        """See the protocol; one number, for all tokens together."""
        started = time.perf_counter()
        if not self.capabilities.scoring:
            raise ConfigError("engine=rounds", type(self._lm).__name__, "a model with `loglikelihood` by tokens")
        if not context_ids or not continuation_ids:
            raise DataError("A score", "needs a token of context and one of continuation")
        tokens = len(context_ids) + len(continuation_ids) - 1
        room = self._room(tokens)
        if room is not None and room < 0:
            raise DataError("A score", f"of {tokens} tokens does not fit", f"The window has {self._lm.max_length}.")
        number, is_greedy = await self._scored.ask((list(context_ids), list(continuation_ids)))
        if math.isnan(number):
            raise RunEndedError(f"{type(self._lm).__name__} gave NaN as a log probability.")
        return TokenScore(
            logprobs=(min(float(number), 0.0),),
            is_greedy=bool(is_greedy),
            forwarded_tokens=tokens,
            seconds=time.perf_counter() - started,
        )

    def _score_all(self, pairs: Sequence[_Pair]) -> list[tuple[float, bool]]:
        """Score a round, in as many batches as it takes for no two pairs of one to be one text split in two ways.

        lm-eval's `hf` computes equal texts once and takes the logits of the first's split for all of them.
        """
        answers: dict[int, tuple[float, bool]] = {}
        left = list(range(len(pairs)))
        while left:
            lengths: dict[tuple[int, ...], int] = {}
            now: list[int] = []
            later: list[int] = []
            for i in left:
                context, continuation = pairs[i]
                length = lengths.setdefault((*context, *continuation[:-1]), len(continuation))
                (now if length == len(continuation) else later).append(i)
            answers.update(zip(now, self._score_batch([pairs[i] for i in now]), strict=True))
            left = later
        return [answers[i] for i in range(len(pairs))]

    def _score_batch(self, pairs: Sequence[_Pair]) -> list[tuple[float, bool]]:
        asked = [(("", ""), context, continuation) for context, continuation in pairs]
        quiet = "disable_tqdm" in inspect.signature(self._lm._loglikelihood_tokens).parameters
        found = self._lm._loglikelihood_tokens(asked, **({"disable_tqdm": True} if quiet else {}))
        if len(found) != len(pairs) or None in found:
            raise BackendError(type(self._lm).__name__, f"gave {len(found)} scores for a batch of {len(pairs)}")
        return list(found)

    def _room(self, tokens: int) -> int | None:
        """Tokens that the window has beside these; None where it is unknown."""
        longest = self.capabilities.max_length
        return None if longest is None else longest - tokens

    def _text(self, prompt: Sequence[int]) -> str:
        """The prompt with its special tokens, which the model's tokenizer reads as such again."""
        return str(self._lm.tokenizer.decode(list(prompt), skip_special_tokens=False))
