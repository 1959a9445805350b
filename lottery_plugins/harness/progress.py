"""How far a run is: samples, steps, tokens a second, and the time left, on the terminal or in the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

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

from lottery_plugins.trajectory import Trajectory

__all__ = ["RunProgress", "run_progress"]

logger = logging.getLogger(__name__)

_LOG_EVERY_S = 30.0


class RunProgress:
    """Counts finished samples and shows them."""

    def __init__(self, bar: Progress | None, task: TaskID | None, total: int, title: str) -> None:
        self._bar, self._task, self._total, self._title = bar, task, total, title
        self._started = self._logged = time.monotonic()
        self._done = self._steps = self._tokens = 0

    def finished(self, trajectory: Trajectory) -> None:
        """One more sample is done."""
        self._done += 1
        self._steps += len(trajectory.steps)
        self._tokens += sum(step.completion_tokens or 0 for step in trajectory.steps)
        elapsed = max(1e-9, time.monotonic() - self._started)
        speed = f"{self._steps} steps, {self._tokens / elapsed:.0f} tok/s"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._done, speed=speed)
        elif time.monotonic() - self._logged > _LOG_EVERY_S:
            self._logged = time.monotonic()
            left = elapsed / self._done * (self._total - self._done)
            logger.info("%s: %d/%d samples, %s, %.0f s left", self._title, self._done, self._total, speed, left)


@contextmanager
def run_progress(total: int, title: str) -> Iterator[RunProgress]:
    """A progress bar on stderr where that is a terminal, else a log line every half minute."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield RunProgress(None, None, total, title)
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
        yield RunProgress(bar, bar.add_task(title, total=total, speed=""), total, title)
