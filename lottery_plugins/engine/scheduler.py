"""The scheduler: what each forward pass does. No timer and no rounds.

A step takes one token of every job that is generating and fills what is left of the token budget with prompts, those of
the earliest trajectories first. A job that waits for memory, or for a prefix that another one is computing, holds
nothing. Between two steps all coroutines run, so whoever got an answer may join the next step.
"""

from __future__ import annotations

import asyncio
import logging
import time
from bisect import insort
from collections.abc import Callable, Sequence

from lottery_plugins.engine import faults
from lottery_plugins.engine.cache import JobCache
from lottery_plugins.engine.compression import CacheMethods
from lottery_plugins.engine.jobs import Job
from lottery_plugins.engine.statistics import EngineStatistics
from lottery_plugins.engine.waiting import WaitingJobs
from lottery_plugins.errors import LotteryError, RunEndedError
from lottery_plugins.protocols.runner import (
    Held,
    Observed,
    OutOfMemoryInStepError,
    Row,
    RowResult,
    Runner,
    UnusableOutputError,
)

__all__ = ["Scheduler"]

logger = logging.getLogger(__name__)

_PASSES = 3  # passes of the event loop after a step: an answer may go through two coroutines before the next request


class Scheduler:
    """Runs jobs to their ends. Used from one event loop at a time.

    Args:
        runner: Runs one step.
        methods: The runner's KV-cache methods; None for none.
        finish: Called once for each job that is done, while it still has its cache; makes its answer.
        end_ids: Tokens that end a completion.
    """

    def __init__(
        self,
        runner: Runner,
        methods: CacheMethods | None,
        finish: Callable[[Job, str], object],
        end_ids: frozenset[int],
    ) -> None:
        self.statistics = EngineStatistics()
        self.cache = JobCache(runner.num_blocks, runner.block_size, runner.copy, methods)
        self._runner, self._methods, self._finish, self._end_ids = runner, methods, finish, end_ids
        self._budget = runner.max_step_tokens
        self._waiting = WaitingJobs()
        self._running: list[Job] = []  # by order
        self._loop: asyncio.Task[None] | None = None
        self._ended: RunEndedError | None = None

    def add(self, job: Job) -> None:
        """Take a job; its answer comes through `job.answer`.

        Raises:
            RunEndedError: The model is broken.
        """
        if self._ended:
            raise self._ended
        if self.statistics.first_s is None:
            self.statistics.first_s = time.perf_counter()
        self._waiting.add(job)
        if self._loop is None or self._loop.done():
            self._loop = asyncio.get_running_loop().create_task(self._run())

    def cancel(self, job: Job) -> None:
        """Stop a job whose answer nobody waits for; frees what it holds. A finished one is left alone."""
        if job.is_cancelled or job not in self._running:
            job.is_cancelled = True  # one that waits is dropped when its turn comes
            return
        job.is_cancelled = True
        self.statistics.wasted_tokens += job.forwarded
        self._leave(job)

    # ------------------------------------------------------------------ steps

    async def _run(self) -> None:
        try:
            while await self._step():
                for _ in range(_PASSES):
                    await asyncio.sleep(0)
        except Exception as error:
            self._end(RunEndedError(f"The scheduler failed with {type(error).__name__}: {error}. This is a bug."))
            raise

    async def _step(self) -> bool:
        """One forward pass and what follows from it; False when there is nothing to do."""
        started = time.perf_counter()
        self._admit()
        plan = self._plan()
        if not plan:
            return False
        rows = [self._row(job, count) for job, count in plan]
        planned = time.perf_counter()
        results = await self._forward(plan, rows)
        computed = time.perf_counter()
        tokens = sum(count for _, count in plan)
        self.statistics.count_step(
            rows=len(plan),
            tokens=tokens,
            seconds=computed - planned,
            is_prefill=any(not job.drawn for job, _ in plan),
        )
        for job, count in plan:
            job.model_s += (computed - planned) * count / tokens
        if results is None:
            self.statistics.wasted_tokens += tokens
        else:
            self._apply(plan, rows, results)
        self.statistics.schedule_s += planned - started + time.perf_counter() - computed
        return True

    async def _forward(self, plan: Sequence[tuple[Job, int]], rows: list[Row]) -> list[RowResult] | None:
        """Run a step; None when it has to be done again with less, or its jobs have failed."""
        try:
            collect = self._runner.begin(rows)
            await asyncio.sleep(0)  # a device computes while coroutines go on
            return collect()
        except OutOfMemoryInStepError:
            self._ask_less(plan)
        except UnusableOutputError as error:
            culprit = plan[error.row][0]
            self._end(faults.gave_nan(culprit.cached + culprit.shift, len(culprit.ids)))
        except Exception as error:  # whatever the model raised belongs to the jobs of this step
            logger.debug("A step failed.", exc_info=error)
            for job, _ in plan:
                self._fail(job, faults.step_failed(error))
        return None

    def _plan(self) -> list[tuple[Job, int]]:
        """Jobs of the next step and how many tokens each forwards."""
        left, plan = self._budget, []
        for generating in (True, False):
            for job in self._running:
                missing = job.num_missing
                if left and (missing == 1) == generating:
                    count = min(left, missing)
                    if job.acts_at is not None:  # what follows is read when the method has acted
                        count = min(count, job.acts_at - job.cached - job.shift)
                    plan.append((job, count))
                    left -= count
        return plan

    def _row(self, job: Job, count: int) -> Row:
        at = job.cached + job.shift
        draws = job.params is not None and count == job.num_missing
        return Row(
            ids=job.ids[at : at + count],
            cached=job.cached,
            position=at,
            blocks=job.table,
            params=job.params if draws else None,
            draw_seed=job.seed,
            draw_index=len(job.drawn),
            targets=job.targets_within(count) if job.targets else (),
            layout=job.layout,
            observed=self._observed(job) if self._methods else None,
        )

    def _observed(self, job: Job) -> Observed | None:
        """What observes the next tokens: those of a prompt always, generated ones where they are asked for."""
        methods = self._methods
        if methods is None or not methods.observes:
            return None
        if job.cached + job.shift >= job.num_context and (job.targets or not methods.observes_decoding):
            return None
        if job.observed is None:
            job.observed = self._runner.observer()
        return job.observed

    # ------------------------------------------------------------------ admission

    def _admit(self) -> None:
        """Start jobs in their order, as far as memory and the token budget of a step go."""
        open_tokens = sum(job.num_missing for job in self._running)
        while open_tokens < self._budget or not self._running:
            job = self._waiting.take(self.cache.residents.may_enter, is_idle=not self._running)
            if job is None:
                return
            key = self.cache.coming(job)
            if key is not None:
                self._waiting.park(key, job)
                continue
            if self.cache.admit(job):
                if self._methods:
                    job.acts_at = self._methods.acts_at(job.state, job.num_context, bool(job.targets))
                insort(self._running, job, key=lambda j: j.order)
                open_tokens += job.num_missing
            elif self._running:
                self._waiting.add(job)
                return
            else:
                size, pool = self.cache.block_size, self.cache.pool
                needed = self.cache.num_needed(job)
                self._fail(job, faults.cache_too_small(needed * size, pool.num_free * size, pool.num_blocks * size))

    # ------------------------------------------------------------------ results

    def _apply(self, plan: Sequence[tuple[Job, int]], rows: Sequence[Row], results: Sequence[RowResult]) -> None:
        for (job, count), row, result in zip(plan, rows, results, strict=True):
            if job.is_cancelled:
                continue
            job.cached += count
            job.forwarded += count
            ends_prompt = not job.drawn and job.cached + job.shift >= job.num_context
            if job.compressed_at is None and (ends_prompt or self.cache.has_full_block(job)):
                self._waiting.wake(self.cache.publish(job, with_tail=ends_prompt))
            if row.targets:
                job.logprobs += result.logprobs
                job.is_greedy = job.is_greedy and result.is_greedy
            if job.acts_at is not None and job.acts_at == job.cached + job.shift:
                try:
                    self._compress(job)
                except LotteryError as error:  # of the compression method
                    self._fail(job, error)
                    continue
            if row.params is not None and result.token is not None:
                self._take_token(job, result.token)
            elif job.targets and not job.num_missing:
                self._done(job, "scored")

    def _take_token(self, job: Job, token: int) -> None:
        params, watch = job.params, job.watch
        if params is None or watch is None:
            raise ValueError("a token for a job that draws none")
        job.drawn.append(token)
        self.statistics.generated_tokens += 1
        if token in self._end_ids and not params.ignore_end:
            self._done(job, "end")
        elif watch.push(token) is not None:
            self._done(job, "stop")
        elif len(job.drawn) >= params.max_tokens or len(job.ids) >= job.max_ids:
            self._done(job, "length")
        else:
            job.ids.append(token)

    def _compress(self, job: Job) -> None:
        """Let the KV-cache methods act."""
        assert self._methods is not None
        before = job.state
        after = self._methods.acted(before, job.num_context)
        if after.text == job.num_context:
            self._methods.count(self.statistics, after)
        if after.same_cache(before):
            job.state = after
        else:
            into = self.cache.split_off(job)
            self._runner.compress(job.held_cache, Held(into, after.cached, after.layout), job.observed)
            self.cache.settle(job, after)
        job.acts_at = self._methods.acts_at(after, job.num_context, bool(job.targets))

    def _done(self, job: Job, reason: str) -> None:
        counts = self.statistics
        counts.requests += 1
        counts.prompt_tokens += job.num_prompt
        counts.cached_tokens += job.found
        counts.last_s = time.perf_counter()
        answer = self._finish(job, reason)
        self._leave(job)
        if not job.answer.done():
            job.answer.set_result(answer)

    def _fail(self, job: Job, error: LotteryError) -> None:
        self._leave(job)
        if not job.answer.done():
            job.answer.set_exception(error)

    def _leave(self, job: Job) -> None:
        if job in self._running:
            self._running.remove(job)
            self._waiting.wake(self.cache.leave(job))
            self.statistics.evicted_blocks = self.cache.num_evicted

    def _ask_less(self, plan: Sequence[tuple[Job, int]]) -> None:
        """Halve the steps; a single token that does not fit ends its job."""
        tokens = sum(count for _, count in plan)
        if tokens == 1:
            self._end(faults.no_memory())
            return
        if self._budget == self._runner.max_step_tokens:
            logger.warning("A step of %d tokens did not fit the memory; steps are smaller from here on.", tokens)
        self._budget = max(1, min(self._budget, tokens) // 2)

    def _end(self, error: RunEndedError) -> None:
        """No job can be answered any more."""
        self._ended = error
        for job in [*self._running, *self._waiting.clear()]:
            self._fail(job, error)
