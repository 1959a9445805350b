"""How far a run is, on the terminal or in the log: samples, steps, tokens a second, prompts found cached, time left."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from lottery_plugins.engine.statistics import EngineStatistics
from lottery_plugins.trajectory import Trajectory

__all__ = ["RunProgress", "run_progress"]

logger = logging.getLogger(__name__)

_LOG_EVERY_S = 30.0
_SHOW_EVERY_S = 1.0


class RunProgress:
    """Counts finished samples and shows them.

    Args:
        bar: Where it is shown; None: in the log.
        task: The bar's line.
        total: Samples to do.
        title: What is run.
        statistics: The engine's counts, where it has any: they tell the speed while no sample is finished yet.
        clock: Seconds, rising.
    """

    def __init__(
        self,
        bar: Progress | None,
        task: TaskID | None,
        total: int,
        title: str,
        statistics: EngineStatistics | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bar, self._task, self._total, self._title = bar, task, total, title
        self._statistics, self._clock = statistics, clock
        self._started = self._logged = clock()
        self._before = self._counts()
        self._done = self._steps = self._tokens = 0

    def finished(self, trajectory: Trajectory) -> None:
        """One more sample is done."""
        self._done += 1
        self._steps += len(trajectory.steps)
        self._tokens += sum(step.completion_tokens or 0 for step in trajectory.steps)
        self.show()

    def show(self) -> None:
        """Bring the bar up to date, or write a log line if the last one is long ago."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._done, speed=self._speed())
        elif self._clock() - self._logged > _LOG_EVERY_S:
            self._logged = self._clock()
            left = self._elapsed() / self._done * (self._total - self._done) if self._done else None
            told = "time left unknown" if left is None else f"{left:.0f} s left"
            logger.info("%s: %d/%d samples, %s, %s", self._title, self._done, self._total, self._speed(), told)

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """Shows the progress every second inside the block, also while no sample is finished."""

        async def keep_showing() -> None:
            while True:
                await asyncio.sleep(_SHOW_EVERY_S)
                self.show()

        task = asyncio.create_task(keep_showing())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _speed(self) -> str:
        elapsed = self._elapsed()
        if self._statistics is None:
            return f"{self._steps} steps, {self._tokens / elapsed:.0f} tok/s"
        prompt, cached, forwarded, generated = (
            now - before for now, before in zip(self._counts(), self._before, strict=True)
        )
        parts = [f"{self._steps} steps", f"{generated / elapsed:.0f} tok/s"]
        if not generated:  # a task that only scores
            parts[1] = f"{forwarded / elapsed:.0f} tok/s read"
        return ", ".join([*parts, *([f"{cached / prompt:.0%} of prompts cached"] if prompt else [])])

    def _counts(self) -> tuple[int, int, int, int]:
        counts = self._statistics
        if counts is None:
            return 0, 0, 0, 0
        return counts.prompt_tokens, counts.cached_tokens, counts.forwarded_tokens, counts.generated_tokens

    def _elapsed(self) -> float:
        return max(1e-9, self._clock() - self._started)


@contextmanager
def run_progress(total: int, title: str, statistics: EngineStatistics | None = None) -> Iterator[RunProgress]:
    """A progress bar on stderr where that is a terminal, else a log line every half minute."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield RunProgress(None, None, total, title, statistics)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        yield RunProgress(bar, bar.add_task(title, total=total, speed=""), total, title, statistics)
