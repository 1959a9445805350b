"""The packed engine: sessions, prefix sharing and continuous batching over one runner. Knows no torch and no text
beyond stop strings.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from lottery_plugins.engine import faults
from lottery_plugins.engine.compression import CacheMethods
from lottery_plugins.engine.jobs import Job, Kept, draw_seed
from lottery_plugins.engine.scheduler import Scheduler
from lottery_plugins.engine.statistics import EngineStatistics
from lottery_plugins.engine.stops import StopWatch
from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.errors import DataError
from lottery_plugins.protocols.engine import Capabilities, SamplingParams, Session, TokenCompletion, TokenScore
from lottery_plugins.protocols.runner import Runner

__all__ = ["PackedEngine"]

_T = TypeVar("_T")
_RELEASED = "released"  # state of a session that has ended
_LOST = "lost"  # state of a session whose compressed cache a cancelled request had begun to change


@dataclass(frozen=True, slots=True)
class _Generated:
    """A finished completion, and the compressed cache that its session keeps."""

    completion: TokenCompletion
    kept: Kept | None


class PackedEngine:
    """A `protocols.engine.TokenEngine` on a runner.

    A session costs nothing while it is idle: its blocks stay in the prefix tree as long as there is room, and what was
    evicted is computed again, to the same tokens. Under KV-cache methods a session keeps its compressed cache, which
    is its alone: they act at the end of each prompt, and where they ask for it in between, on what is left of the
    history and the new tokens, and leave as many positions as they would of a prompt as long as the whole text.

    Args:
        runner: Runs the steps.
        codec: Of the model; for stop strings and the end of text.
        methods: The runner's KV-cache methods; None for none.

    Attributes:
        statistics: Exact counts since the engine was made.
    """

    def __init__(self, runner: Runner, codec: TokenCodec, methods: CacheMethods | None = None) -> None:
        self._runner, self._codec = runner, codec
        self._scheduler = Scheduler(runner, methods, self._finished, codec.end_ids)
        self._arrivals = itertools.count()
        self.capabilities = Capabilities(
            name="packed",
            sessions=True,
            kv_compression=True,
            scoring=True,
            batch_invariant=True,
            max_length=runner.max_length,
        )

    @property
    def statistics(self) -> EngineStatistics:
        """Exact counts since the engine was made."""
        return self._scheduler.statistics

    def open(self, rank: int = 0) -> Session:
        """A new, empty session; those of low rank are finished first."""
        self._scheduler.cache.residents.open(rank)
        return Session(rank=rank)

    async def generate(self, new_ids: Sequence[int], session: Session, params: SamplingParams) -> TokenCompletion:
        """Append tokens to a session, then generate; see the protocol."""
        _check_open(session)
        ids = [*session.ids, *new_ids]
        self._check_room(len(ids), 1)
        job = self._job(list(ids), session.rank)
        job.rank, job.params, job.watch = session.rank, params, StopWatch(params.stop, self._codec)
        job.seed = draw_seed(params, ids)
        job.max_ids = min(len(ids) + params.max_tokens - 1, self._runner.max_length)
        self._resume(job, session)
        try:
            generated = await self._answered(job, _Generated)
        except BaseException:
            if job.compressed_at is not None:
                session.state = _LOST
            raise
        session.ids = [*ids, *generated.completion.ids]
        session.state = generated.kept
        return generated.completion

    async def score(self, context_ids: Sequence[int], continuation_ids: Sequence[int]) -> TokenScore:
        """Score a continuation; see the protocol. Under a KV-cache method the context is compressed before it."""
        if not context_ids or not continuation_ids:
            raise DataError("A score", "needs a token of context and one of continuation")
        self._check_room(len(context_ids) + len(continuation_ids) - 1, 0)
        job = self._job([*context_ids, *continuation_ids[:-1]], rank=0)
        job.targets = tuple(continuation_ids)
        job.max_ids = len(job.ids)
        return await self._answered(job, TokenScore)

    def fork(self, session: Session, num_tokens: int | None = None) -> Session:
        """A second session with the same history, or its beginning; a compressed cache is copied when both go on.

        A beginning that ends with the prompt that was compressed last, or before, is computed afresh, as a text of its
        own.
        """
        _check_open(session)
        length = len(session.ids) if num_tokens is None else num_tokens
        if not 0 <= length <= len(session.ids):
            raise DataError("A fork", f"at token {length} of a session of {len(session.ids)}", "Fork within it.")
        kept = session.state
        if isinstance(kept, Kept):
            if length <= kept.least_ids:
                kept = None
            else:
                kept.sessions += 1
        self._scheduler.cache.residents.open(session.rank)
        return Session(ids=session.ids[:length], rank=session.rank, state=kept)

    def release(self, session: Session) -> None:
        """End a session; what it computed may still be found by others until it is evicted."""
        cache = self._scheduler.cache
        if session.state == _RELEASED:
            return
        if isinstance(session.state, Kept):
            cache.drop_kept(session.state)
        cache.tree.abandon(session.ids)
        cache.residents.close(session.rank)
        session.ids, session.state = [], _RELEASED

    async def pin_prefix(self, ids: Sequence[int]) -> None:
        """Compute a prefix now and keep it as long as the engine."""
        self._check_room(len(ids), 1)
        job = self._job(list(ids), rank=-1)
        job.params, job.watch = SamplingParams(max_tokens=1), StopWatch((), self._codec)
        job.max_ids = len(ids)
        await self._answered(job, _Generated)
        tree = self._scheduler.cache.tree
        tree.hold(tree.match(ids, len(ids)).nodes)

    # ------------------------------------------------------------------ jobs

    def _check_room(self, num_ids: int, num_new: int) -> None:
        if num_ids == 0:
            raise DataError("A prompt", "has no token", "Give at least one, such as the model's beginning of text.")
        if num_ids + num_new > self._runner.max_length:
            raise faults.too_long(num_ids, self._runner.max_length)

    def _job(self, ids: list[int], rank: int) -> Job:
        answer = asyncio.get_running_loop().create_future()
        return Job(order=(rank, next(self._arrivals)), ids=ids, answer=answer, num_prompt=len(ids))

    def _resume(self, job: Job, session: Session) -> None:
        """Go on from a session's compressed cache."""
        kept = session.state
        if kept == _LOST:
            raise DataError(
                "A session", "lost its compressed cache when a request of it was cancelled", "Open another."
            )
        if not isinstance(kept, Kept):
            return
        cache = self._scheduler.cache
        num_ids = min(kept.state.text, len(session.ids), len(job.ids) - 1)  # the last token is forwarded for its logits
        if num_ids < kept.least_ids:
            cache.drop_kept(kept)
            session.state = None
            return
        taken = cache.take_kept(kept)
        if taken is None:
            need = len(kept.blocks) * cache.block_size
            raise faults.cache_too_small(need, 0, cache.pool.num_blocks * cache.block_size)
        session.state = None
        job.table, job.owned = list(taken.blocks), set(taken.blocks)
        job.state, job.observed = taken.state.read(num_ids), taken.observed
        job.found = num_ids

    async def _answered(self, job: Job, kind: type[_T]) -> _T:
        """Wait for a job; cancelled, it frees what it holds."""
        self._scheduler.add(job)
        try:
            answer = await job.answer
            assert isinstance(answer, kind)
            return answer
        finally:
            self._scheduler.cancel(job)

    def _finished(self, job: Job, reason: str) -> object:
        """The answer of a job that is done."""
        if job.params is None or job.watch is None:
            return TokenScore(
                logprobs=tuple(job.logprobs),
                is_greedy=job.is_greedy,
                cached_tokens=job.found,
                forwarded_tokens=job.forwarded,
                seconds=job.model_s,
            )
        drawn = job.drawn[:-1] if reason == "end" else job.drawn
        hit = job.watch.finish(drawn)
        completion = TokenCompletion(
            ids=tuple(drawn[: hit.num_ids]),
            text=hit.text,
            finish_reason="length" if reason == "length" and not hit.stop else "stop",
            prompt_tokens=job.num_prompt,
            cached_tokens=job.found,
            forwarded_tokens=job.forwarded,
            generated_tokens=len(job.drawn),
            seconds=job.model_s,
        )
        kept = None
        if job.compressed_at is not None:
            kept = self._scheduler.cache.keep_for_session(job, job.num_prompt + hit.num_ids)
        return _Generated(completion, kept)


def _check_open(session: Session) -> None:
    if session.state == _RELEASED:
        raise DataError("A session", "was used after its release", "Open another.")
