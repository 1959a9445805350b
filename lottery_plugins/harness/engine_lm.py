"""lm-eval's three kinds of requests answered by a token engine, with the tokens that lm-eval's own `hf` would use.

Where `hf` cuts a prompt that is too long silently from the left, this is an error that names the document, unless the
task or the run asks for the cut.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Protocol

from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from lottery_plugins.backends.harness_lm import from_gen_kwargs
from lottery_plugins.engine.conversations import sampling_params
from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.generation import GenerationConfig
from lottery_plugins.harness.encoding import encode_pair
from lottery_plugins.harness.gen_settings import SamplingDefaults, check_extra, default_max_tokens
from lottery_plugins.harness.resume import Measured, PlainRun
from lottery_plugins.harness.truncation import truncation_of
from lottery_plugins.protocols.engine import TokenEngine, TokenScore
from lottery_plugins.trajectory import Trajectory

__all__ = ["AnswersOne", "EngineLM", "answer_on_engine", "window_of"]

logger = logging.getLogger(__name__)

_MAX_WAITING = 512  # requests handed to the engine at a time; it admits as many as its cache holds


class AnswersOne(Protocol):
    """Answers single requests of lm-eval: `EngineLM`, or a server."""

    num_cut: int

    def check(self, request_type: str, requests: Sequence[Any]) -> None:
        """Refuse what it can't answer, before anything is computed."""
        ...

    async def ask(self, request_type: str, request: Any, rank: int, sample: int) -> tuple[Any, Measured]:
        """Answer one request as lm-eval's method of that name would."""
        ...


def window_of(engine: TokenEngine | None, base: Any) -> int | None:
    """Most tokens of prompt and completion, by the engine and the lm-eval model; None where neither tells."""
    limits = (engine.capabilities.max_length if engine is not None else None, getattr(base, "max_length", None))
    return min((limit for limit in limits if limit), default=None)


class EngineLM:
    """Answers single requests; all at once, each is one `await`.

    Args:
        engine: Runs the model.
        codec: Text to ids and back, for prompts as lm-eval wrote them.
        base: The lm-eval model, for its tokens: `_encode_pair`, `prefix_token_id`, `max_length`, `max_gen_toks`.
        truncation: What to do with a prompt that does not fit where its task says nothing: "none" or "left".
        defaults: Settings of the model itself for what a request leaves open when it samples: top_k, top_p.

    Attributes:
        num_cut: Prompts that were cut so far.
    """

    def __init__(
        self, engine: TokenEngine, codec: TokenCodec, base: Any, truncation: str, defaults: SamplingDefaults
    ) -> None:
        self._engine, self._codec, self._base = engine, codec, base
        self._truncation, self._defaults = truncation, defaults
        self._name = engine.capabilities.name
        self._max_length = window_of(engine, base)
        self._default_max_tokens = default_max_tokens(base)
        self.num_cut = 0

    def check(self, request_type: str, requests: Sequence[Any]) -> None:
        """Refuse before anything is computed what would otherwise end the run in its middle.

        Raises:
            ConfigError: A task has settings that this engine does not know, or the engine can't score.
        """
        if request_type != "generate_until":
            if not self._engine.capabilities.scoring and requests:
                raise ConfigError(
                    f"engine={self._name}",
                    f"task {requests[0].task_name} of type {request_type}",
                    "generation tasks only",
                    "Use engine=packed or engine=rounds.",
                )
            return
        for task, kwargs in {str(r.task_name): r.args[1] for r in requests}.items():
            check_extra(from_gen_kwargs(kwargs, self._default_max_tokens), f"task {task}")

    async def ask(self, request_type: str, request: Any, rank: int, sample: int) -> tuple[Any, Measured]:
        """Answer one request as lm-eval's method of that name would.

        Raises:
            DataError: It does not fit the model's window, or there is nothing to score.
        """
        if request_type == "generate_until":
            return await self._generate(request, rank, sample)
        if request_type == "loglikelihood":
            pair = encode_pair(self._base, *request.args)
            score = await self._score(request, *pair)
            return (score.logprob, score.is_greedy), _measured([score], sum(map(len, pair)))
        return await self._roll(request)

    async def _generate(self, request: Any, rank: int, sample: int) -> tuple[str, Measured]:
        prompt, gen_kwargs = request.args[:2]
        asked = from_gen_kwargs(gen_kwargs, self._default_max_tokens)
        ids = self._fitting(self._codec.encode(str(prompt)), asked, request)
        config = self._defaults.fill(asked)
        session = self._engine.open(rank)
        try:
            done = await self._engine.generate(ids, session, sampling_params(config, sample))
        finally:
            self._engine.release(session)
        return done.text, Measured(
            prompt_tokens=done.prompt_tokens,
            cached_tokens=done.cached_tokens,
            forwarded_tokens=done.forwarded_tokens,
            completion_tokens=done.generated_tokens,
            finish_reason=done.finish_reason,
            seconds=done.seconds,
        )

    async def _roll(self, request: Any) -> tuple[float, Measured]:
        base = self._base
        windows = get_rolling_token_windows(
            token_list=base.tok_encode(request.args[0]),
            prefix_token=base.prefix_token_id,
            max_seq_len=base.max_length,
            context_len=1,
        )
        pairs = [make_disjoint_window(window) for window in windows]
        scores = await asyncio.gather(*(self._score(request, *pair) for pair in pairs))
        return sum(score.logprob for score in scores), _measured(scores, sum(len(a) + len(b) for a, b in pairs))

    async def _score(self, request: Any, context: Sequence[int], continuation: Sequence[int]) -> TokenScore:
        if not continuation:
            raise DataError(_where(request), "has no continuation to score", "Its text gives no token of its own.")
        limit = self._max_length
        too_many = 0 if limit is None else len(context) + len(continuation) - (limit + 1)
        if too_many > 0:
            if len(context) <= too_many or not self._may_cut(request):
                problem = f"has {len(context)} tokens of context and {len(continuation)} to score"
                raise self._does_not_fit(request, problem, "")
            context = context[too_many:]
            self.num_cut += 1
        return await self._engine.score(context, continuation)

    def _fitting(self, ids: list[int], config: GenerationConfig, request: Any) -> list[int]:
        """The prompt, or its end where that is what was asked for."""
        if self._max_length is None or len(ids) + config.max_tokens <= self._max_length:
            return ids
        room = self._max_length - config.max_tokens
        if room < 1 or not self._may_cut(request, dict(config.extra).get("truncation")):
            problem = f"has a prompt of {len(ids)} tokens and may generate {config.max_tokens}"
            raise self._does_not_fit(request, problem, "allow fewer generated tokens, ")
        self.num_cut += 1
        return ids[-room:]

    def _may_cut(self, request: Any, in_kwargs: object = None) -> bool:
        return truncation_of(str(request.task_name), in_kwargs, self._truncation) == "left"

    def _does_not_fit(self, request: Any, problem: str, more: str) -> DataError:
        return DataError(
            _where(request),
            f"{problem}, but the model's window is {self._max_length}",
            f"Leave it out with --samples or --limit, {more}or set prompt_truncation=left (in the task's YAML: "
            "metadata.lottery.truncation: left) to drop the first tokens, as lm-eval's hf does without asking.",
        )


async def answer_on_engine(
    run: PlainRun, lm: AnswersOne, on_finished: Callable[[Trajectory], None] = lambda trajectory: None
) -> None:
    """Answer what is missing of a run, keeping each answer as it comes.

    Args:
        run: The requests; has all answers afterwards.
        lm: Answers them.
        on_finished: Told of each answer.

    Raises:
        LotteryError: A request can't be answered; the answers that came before are kept.
    """
    lm.check(run.request_type, [run.requests[i] for i in run.missing])
    cut_before = lm.num_cut

    async def answer(i: int) -> None:
        answer, measured = await lm.ask(run.request_type, run.requests[i], i, run.samples[i])
        on_finished(run.take(i, answer, measured))

    await _each(run.missing, answer)
    if lm.num_cut > cut_before:
        logger.warning("%d prompts did not fit the model's window; their first tokens were dropped, as asked for.",
                       lm.num_cut - cut_before)  # fmt: skip


async def _each(indexes: Sequence[int], answer: Callable[[int], Awaitable[None]]) -> None:
    """Do it for each index, in this order, a bounded number at a time; the first error ends all."""
    waiting: Iterator[int] = iter(indexes)

    async def work() -> None:
        for i in waiting:
            await answer(i)

    workers = [asyncio.create_task(work()) for _ in range(min(_MAX_WAITING, len(indexes)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


def _measured(scores: Sequence[TokenScore], num_tokens: int) -> Measured:
    return Measured(
        prompt_tokens=num_tokens,
        cached_tokens=sum(score.cached_tokens for score in scores),
        forwarded_tokens=sum(score.forwarded_tokens for score in scores),
        seconds=sum(score.seconds for score in scores),
    )


def _where(request: Any) -> str:
    return f"task {request.task_name}, document {request.doc_id}"
