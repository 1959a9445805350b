"""vLLM as an engine: one GPU or many, tensor, pipeline and data parallel, several nodes on Ray.

Requests go to vLLM's `AsyncLLM` by token ids, each with a priority (the trajectory's rank) and, with data parallelism,
always to the replica that has seen the trajectory before. vLLM's automatic prefix caching finds what a session has
computed already, in whole blocks. Written against the documented API of vLLM 0.32; the oldest that has all of it is
0.12. Where no vLLM can be installed it is tested with a stand-in of this interface (tests/backends/vllm_standin.py).

Same tokens alone and in a batch: only with the environment variable VLLM_BATCH_INVARIANT=1 (an NVIDIA GPU of compute
capability 8.0 or higher), which vLLM reads when it starts.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import itertools
import math
import os
import time
from array import array
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from lottery_plugins.backends.loop_thread import LoopThread
from lottery_plugins.backends.vllm_options import KEPT_FREE, VllmOptions
from lottery_plugins.engine.stops import StopHit, StopWatch, num_ids_within
from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.errors import BackendError, ConfigError, DataError, MissingExtraError, RunEndedError
from lottery_plugins.protocols.engine import Capabilities, SamplingParams, Session, TokenCompletion, TokenScore

__all__ = ["VllmEngine"]


class VllmEngine:
    """An engine (`protocols.engine.TokenEngine`) on vLLM. Made by `load`.

    Args:
        engine: An `AsyncLLM`, made on the loop of `thread`.
        thread: Where it runs.
        codec: Of the same model, for stop strings and texts.
        options: What it was made with.
    """

    def __init__(self, engine: Any, thread: LoopThread, codec: TokenCodec, options: VllmOptions) -> None:
        self._engine, self._thread, self._codec, self._options = engine, thread, codec, options
        self._vllm = _Library()
        self._replicas = options.data_parallel_size
        self._names = itertools.count()
        self._opened = itertools.count()
        self.capabilities = Capabilities(
            name="vllm",
            sessions=options.enable_prefix_caching,
            kv_compression=False,
            scoring=True,
            batch_invariant=os.environ.get("VLLM_BATCH_INVARIANT") == "1",
            max_length=int(engine.model_config.max_model_len) - KEPT_FREE,
        )

    @classmethod
    def load(cls, pretrained: str, codec: TokenCodec, options: VllmOptions | None = None) -> VllmEngine:
        """Load a checkpoint. Takes minutes; the engine's processes live until `close`.

        Raises:
            MissingExtraError: vLLM is not installed.
            ConfigError: vLLM does not know one of the options.
            BackendError: vLLM could not start.
        """
        options = options or VllmOptions()
        library = _Library()
        given = {f.name: value for f in fields(options) if (value := getattr(options, f.name)) is not None}
        try:
            arguments = library.AsyncEngineArgs(
                model=pretrained, scheduling_policy="priority", disable_log_stats=True, **given
            )
        except TypeError as error:
            hint = "Leave the option out, or install vllm>=0.12."
            raise ConfigError("engine: vllm", str(error), "options that this version of vLLM knows", hint) from error

        async def start() -> Any:
            return library.AsyncLLM.from_engine_args(arguments)

        thread = LoopThread("lottery-vllm")
        try:
            engine = thread.run_now(start())
        except Exception as error:
            thread.close()
            raise BackendError("vllm", f"could not load {pretrained!r}: {error}", "vLLM's log says more.") from error
        return cls(engine, thread, codec, options)

    def close(self) -> None:
        """End vLLM's processes. A second call does nothing."""
        self._engine.shutdown()
        self._thread.close()

    def open(self, rank: int = 0) -> Session:
        """A new session; those of one trajectory share a replica."""
        return Session(rank=rank, state=(rank or next(self._opened)) % self._replicas)

    def fork(self, session: Session, num_tokens: int | None = None) -> Session:
        """A session on the same replica, whose cache finds the common history."""
        kept = len(session.ids) if num_tokens is None else num_tokens
        if not 0 <= kept <= len(session.ids):
            raise DataError("A fork", f"at token {kept} of a session of {len(session.ids)}", "Fork within it.")
        return Session(ids=session.ids[:kept], rank=session.rank, state=session.state)

    def release(self, session: Session) -> None:
        """Nothing to do: vLLM drops what was not used for long."""

    async def pin_prefix(self, ids: Sequence[int]) -> None:
        """Compute a prefix on each replica. vLLM pins nothing: it stays as long as it is used more than others."""
        if not self._options.enable_prefix_caching:
            return
        self._check_fits(len(ids) + 1)
        await asyncio.gather(*(self._run(list(ids), self._one_token(), 0, one) for one in range(self._replicas)))

    async def generate(self, new_ids: Sequence[int], session: Session, params: SamplingParams) -> TokenCompletion:
        """See the protocol. The session changes only when the completion is there."""
        started = time.perf_counter()
        prompt = [*session.ids, *new_ids]
        if not prompt:
            raise DataError("a request to vllm", "has no token", "A prompt has at least one token.")
        self._check_fits(len(prompt) + 1)
        output = await self._run(prompt, self._sampling(prompt, params), session.rank, session.state)
        done = output.outputs[0]
        ids = list(done.token_ids)
        generated = len(ids)
        is_ended = done.finish_reason == "stop"
        if is_ended and not isinstance(done.stop_reason, str):
            ids = ids[:-1]  # the end-of-text token, or the special token that the request stops at
        hit = self._cut(ids, done, params)
        session.ids[:] = [*prompt, *ids[: hit.num_ids]]
        cached = min(max(output.num_cached_tokens or 0, 0), len(prompt) - 1)
        return TokenCompletion(
            ids=tuple(ids[: hit.num_ids]),
            text=hit.text,
            finish_reason="stop" if is_ended or hit.stop else "length",
            prompt_tokens=len(prompt),
            cached_tokens=cached,
            forwarded_tokens=len(prompt) - cached + generated - 1,
            generated_tokens=generated,
            seconds=time.perf_counter() - started,
        )

    async def score(self, context_ids: Sequence[int], continuation_ids: Sequence[int]) -> TokenScore:
        """See the protocol. vLLM keeps no logits, so the context is computed again each time."""
        started = time.perf_counter()
        if not context_ids or not continuation_ids:
            raise DataError("a request to score", "has no context or no continuation", "Each needs at least one token.")
        ids = [*context_ids, *continuation_ids]
        self._check_fits(len(ids) - 1)
        # prompt_logprobs must be given here and not set later: vLLM then does not read its prefix cache
        params = self._one_token(prompt_logprobs=1)
        found = (await self._run(ids, params, 0, None)).prompt_logprobs or ()
        if len(found) != len(ids):
            problem = f"gave log probabilities of {len(found)} tokens for a prompt of {len(ids)}"
            raise BackendError("vllm", problem, "Try engine: vllm:enable_prefix_caching=false.")
        numbers, is_greedy = [], True
        for token, at in zip(continuation_ids, found[len(context_ids) :], strict=True):
            number = at[token].logprob
            if math.isnan(number):
                raise RunEndedError("vLLM gave NaN as a log probability. Try another dtype, such as bfloat16.")
            is_greedy = is_greedy and number >= max(other.logprob for other in at.values())
            numbers.append(min(number, 0.0))
        return TokenScore(
            logprobs=tuple(numbers),
            is_greedy=is_greedy,
            forwarded_tokens=len(ids),
            seconds=time.perf_counter() - started,
        )

    def _check_fits(self, tokens: int) -> None:
        longest = self.capabilities.max_length or 0
        if tokens > longest:
            raise DataError(
                "a request to vllm",
                f"needs {tokens} positions of a window of {longest}",
                "Shorten the prompt, or raise vllm:max_model_len where the model can.",
            )

    def _one_token(self, prompt_logprobs: int | None = None) -> Any:
        kind = self._vllm.RequestOutputKind.FINAL_ONLY
        return self._vllm.SamplingParams(
            max_tokens=1, temperature=0.0, prompt_logprobs=prompt_logprobs, detokenize=False, output_kind=kind
        )

    def _sampling(self, prompt: Sequence[int], params: SamplingParams) -> Any:
        """The parameters as vLLM takes them; its own check refuses what it can't do."""
        special = [self._codec.special_ids[text] for text in params.stop if text in self._codec.special_ids]
        drawn: dict[str, Any] = {"temperature": 0.0}
        if params.do_sample:
            drawn = {"temperature": params.temperature, "seed": _seed(prompt, params)}
            drawn |= {"top_p": 1.0 if params.top_p is None else params.top_p, "top_k": params.top_k or 0}
        try:
            return self._vllm.SamplingParams(
                max_tokens=min(params.max_tokens, (self.capabilities.max_length or 0) - len(prompt)),
                stop=list(params.stop) or None,
                stop_token_ids=special or None,
                ignore_eos=params.ignore_end,
                detokenize=bool(params.stop),
                include_stop_str_in_output=False,
                output_kind=self._vllm.RequestOutputKind.FINAL_ONLY,
                **drawn,
            )
        except Exception as error:
            # the class of vLLM's refusals has changed between versions
            raise ConfigError("engine: vllm", str(error), "generation settings that vLLM takes") from error

    def _cut(self, ids: Sequence[int], done: Any, params: SamplingParams) -> StopHit:
        """Ids and text before the stop string."""
        hit = StopWatch(params.stop, self._codec).finish(ids)
        if isinstance(done.stop_reason, str) and not hit.stop:  # vLLM saw one where our decoding has none
            text = str(done.text)
            return StopHit(num_ids_within(text, ids, self._codec), text, done.stop_reason)
        return hit

    async def _run(self, prompt: list[int], params: Any, rank: int, replica: int | None) -> Any:
        """What vLLM says last of one request."""
        return await self._thread.run(self._stream(prompt, params, rank, replica if self._replicas > 1 else None))

    async def _stream(self, prompt: list[int], params: Any, rank: int, replica: int | None) -> Any:
        name, output = f"lottery-{next(self._names)}", None
        try:
            stream = self._engine.generate(
                self._vllm.TokensPrompt(prompt_token_ids=prompt),
                params,
                name,
                priority=rank,
                data_parallel_rank=replica,
            )
            async for latest in stream:
                output = latest
        except asyncio.CancelledError:
            await self._engine.abort(name)
            raise
        except self._vllm.EngineDeadError as error:
            raise RunEndedError("vLLM's engine died; its log says why.") from error
        except Exception as error:
            cause = error.__cause__ or error
            raise BackendError("vllm", f"failed with {type(cause).__name__}: {cause}") from error
        if output is None or not output.finished or output.outputs[0].finish_reason not in ("stop", "length"):
            reason = output.outputs[0].finish_reason if output is not None else "no output"
            raise BackendError("vllm", f"ended a request with {reason!r}", "Its log says more.")
        return output


def _seed(prompt: Sequence[int], params: SamplingParams) -> int:
    """62 bits that name what is drawn: vLLM's own seed knows neither the sample nor the prompt."""
    text = f"{params.seed} {params.sample} ".encode() + array("q", prompt).tobytes()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 2


class _Library:
    """What we use of vLLM, imported when first needed."""

    def __init__(self) -> None:
        try:
            vllm = importlib.import_module("vllm")
            self.AsyncLLM = importlib.import_module("vllm.v1.engine.async_llm").AsyncLLM
            self.EngineDeadError = importlib.import_module("vllm.v1.engine.exceptions").EngineDeadError
            self.RequestOutputKind = importlib.import_module("vllm.sampling_params").RequestOutputKind
            self.AsyncEngineArgs, self.SamplingParams = vllm.AsyncEngineArgs, vllm.SamplingParams
            self.TokensPrompt = vllm.TokensPrompt
        except (ImportError, AttributeError) as error:
            raise MissingExtraError("engine=vllm", "vllm>=0.12", "pip install 'vllm>=0.12'") from error
