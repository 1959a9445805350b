"""How far a search is: live on a terminal, a line for each finished ticket elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lottery_plugins.search.driver import Progress
from lottery_plugins.search.plan import SearchPlan
from lottery_plugins.search.record import chosen, front
from lottery_plugins.search.show import records_table, words_of

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["shown_progress", "status_line"]


@contextmanager
def shown_progress(plan: SearchPlan, console: Console) -> Iterator[Callable[[Progress], None]]:
    """Give a function that shows where the search stands."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    clock = _Clock(plan)
    with Live(Text("The original is measured first ..."), console=console, refresh_per_second=2) as live:

        def show(progress: Progress) -> None:
            best = chosen(progress.records, plan.cheapest)
            table = records_table("Front", front(progress.records, plan.objectives), best)
            left = clock.left_s(progress, time.monotonic())
            live.update(Group(Text(status_line(plan, progress, left)), table))

        yield show


class _Lines:
    """A line for each ticket as it is finished."""

    def __init__(self, console: Console) -> None:
        self._console, self._num_told = console, -1

    def __call__(self, progress: Progress) -> None:
        if self._num_told < 0:
            self._num_told = len(progress.records)  # those of earlier sessions
            self._console.print(f"Original: {words_of(progress.original)}.", markup=False, highlight=False)
        for record in progress.records[self._num_told :]:
            why = f" ({record.why})" if record.why else ""
            score = "" if record.score is None else f", difference {record.score:+.3f}"
            line = f"{record.number} {record.ticket}: {record.state}{why}{score}"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._num_told = len(progress.records)


class _Clock:
    """Tells how long the rest may take, from what this session has done."""

    def __init__(self, plan: SearchPlan) -> None:
        self._plan = plan
        self._start: tuple[float, float] | None = None

    def left_s(self, progress: Progress, now_s: float) -> float | None:
        """Seconds; None while nothing is known."""
        share = max((min(done / limit, 1.0) for done, limit, _ in _shares(self._plan, progress)), default=0.0)
        if self._start is None:
            self._start = (now_s, share)
        since_s, before = self._start
        return (now_s - since_s) * (1 - share) / (share - before) if share > before else None


def _shares(plan: SearchPlan, progress: Progress) -> list[tuple[float, int, str]]:
    """What is done, the limit, and of what; only where there is a limit."""
    done = sum(record.is_run for record in progress.records)
    budget, spent = plan.budget, progress.spent
    every = (
        (done, budget.trials, "tickets"),
        (spent.samples, budget.samples, "documents"),
        (spent.tokens or 0, budget.tokens, "tokens"),
    )
    return [(value, limit, word) for value, limit, word in every if limit is not None]


def status_line(plan: SearchPlan, progress: Progress, left_s: float | None = None) -> str:
    """What is done, of how much, how long the rest may take, and what is being run."""
    parts = [f"{value:,.0f} of {limit:,} {word}" for value, limit, word in _shares(plan, progress)]
    left = f"; about {left_s:,.0f} s left" if left_s is not None else ""
    now = f"; now: {'; '.join(progress.climbing)}" if progress.climbing else ""
    return f"{', '.join(parts)}; {words_of(progress.spent)}{left}{now}"
