"""KV-cache methods at work on running jobs."""

from __future__ import annotations

from lottery_plugins.engine.cache import JobCache
from lottery_plugins.engine.compression import CacheMethods
from lottery_plugins.engine.jobs import Job
from lottery_plugins.engine.statistics import EngineStatistics
from lottery_plugins.protocols.runner import Held, Observed, Runner

__all__ = ["Compressing"]


class Compressing:
    """Lets the methods act on a job's cache when it is time.

    Args:
        methods: What they do, in numbers.
        runner: Does it.
        cache: Where the jobs have their blocks.
        statistics: Counts what is left of prompts.
    """

    def __init__(self, methods: CacheMethods, runner: Runner, cache: JobCache, statistics: EngineStatistics) -> None:
        self._methods, self._runner, self._cache, self._statistics = methods, runner, cache, statistics

    def plan(self, job: Job) -> None:
        """Note when the methods act next."""
        job.acts_at = self._methods.acts_at(job.state, job.num_context, bool(job.targets))

    def observer(self, job: Job) -> Observed | None:
        """What observes the next tokens: those of a prompt always, generated ones where they are asked for."""
        if not self._methods.observes:
            return None
        if job.cached + job.shift >= job.num_context and (job.targets or not self._methods.observes_decoding):
            return None
        if job.observed is None:
            job.observed = self._runner.observer()
        return job.observed

    def act(self, job: Job) -> None:
        """Let the methods act.

        Raises:
            LotteryError: Of a method.
        """
        before = job.state
        after = self._methods.acted(before, job.num_context)
        if after.text == job.num_context:
            self._methods.count(self._statistics, after)
        if after.same_cache(before):
            job.state = after
        else:
            into = self._cache.split_off(job)
            source = Held(job.table, job.cached, job.layout)
            self._runner.compress(source, Held(into, after.cached, after.layout), job.observed)
            self._cache.settle(job, after)
        self.plan(job)
