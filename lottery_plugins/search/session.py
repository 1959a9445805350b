"""A search in its folder, from the study file to the verdict: what `lottery search` does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from lottery_plugins.discovery import discover
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.results.comparison import Comparison
from lottery_plugins.results.render import render_json, render_markdown
from lottery_plugins.results.statistics import TangoDifference
from lottery_plugins.search.driver import search
from lottery_plugins.search.held_out import compared, judged_number, measure_held_out, note_judged
from lottery_plugins.search.lm_eval_runs import LmEvalRuns
from lottery_plugins.search.measure import Pool
from lottery_plugins.search.plan import Budget, SearchPlan, read_plan
from lottery_plugins.search.pool import OneAtATime
from lottery_plugins.search.progress import shown_progress
from lottery_plugins.search.recipe import recipe
from lottery_plugins.search.record import chosen
from lottery_plugins.search.show import COMPARISON_FILE, PLAN_FILE
from lottery_plugins.search.space import PLUGIN_KINDS
from lottery_plugins.search.split import Split, kept_split, split_documents
from lottery_plugins.search.ticket import checker
from lottery_plugins.search.trials import Trials
from lottery_plugins.specs import parse_specs

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Session", "opened"]


@dataclass(frozen=True, slots=True)
class Session:
    """One search, ready to go on.

    Attributes:
        plan: The study file.
        split: Its documents.
        trials: Its trials, those of earlier sessions included.
        pool: What runs tickets.
        folder: Its folder.
        console: Where it says how far it is.
    """

    plan: SearchPlan
    split: Split
    trials: Trials
    pool: Pool
    folder: Path
    console: Console

    def search(self) -> None:
        """Search until the budget is spent; nothing more once a ticket was judged."""
        if judged_number(self.folder) is not None:
            return
        with shown_progress(self.plan, self.console) as on_progress:
            search(self.plan, self.split, self.pool, self.trials, why_not=checker(), on_progress=on_progress)

    def judge(self) -> Comparison | None:
        """Judge the cheapest accepted ticket on the held-out documents; None where no ticket is accepted."""
        number = judged_number(self.folder)
        kept = [record for record in self.trials.records if number in (None, record.number)]
        record = chosen(kept, self.plan.cheapest)
        if record is None:
            return None
        note_judged(record, self.folder)
        ticket = self.plan.ticket_at(record.point)
        (self.folder / "ticket.txt").write_text(recipe(self.plan, ticket), encoding="utf-8")
        with self.console.status(f"The original and trial {record.number} on the held-out documents ..."):
            measure_held_out(self.plan, self.split, ticket, self.pool)
        comparison = compared(self.plan, self.split, self.folder)
        (self.folder / COMPARISON_FILE).write_text(render_json(comparison), encoding="utf-8")
        (self.folder / "comparison.md").write_text(render_markdown(comparison), encoding="utf-8")
        return comparison


@contextmanager
def opened(study: Path, folder: Path, ray: str | None, workers: int | None, console: Console) -> Iterator[Session]:
    """Open a search: everything that can be wrong with it is told before a model is loaded.

    Args:
        study: The study file.
        folder: Of the search; made if need be.
        ray: Address of a Ray cluster, "auto" or "local"; None runs tickets one by one in a process of this machine.
        workers: On Ray; None: one a GPU.
        console: Where notes go.

    Raises:
        LotteryError: The study file, the folder, or the cluster.
    """
    plan = read_plan(study)
    check_names(plan)
    if workers is not None and ray is None:
        raise ConfigError("--workers", workers, "nothing without --ray", "One machine runs one ticket at a time.")
    _make(folder)
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        with lock:
            _keep_plan(plan, study, folder)
            with closing(LmEvalRuns(plan, folder)) as runs:
                split = kept_split(split_documents(plan, runs.documents(plan.task_names)), folder / "split.json")
                for note in too_few(plan, split):
                    console.print(f"- {note}", markup=False, highlight=False, style="yellow")
                trials = Trials(plan, folder)
                with closing(_pool(plan, folder, runs, ray, workers)) as pool:
                    yield Session(plan, split, trials, pool, folder, console)
    except Timeout as error:
        hint = "Wait for it, or search in another --out."
        raise DataError(str(folder), "is used by another search that is running", hint) from error


def check_names(plan: SearchPlan) -> None:
    """Refuse a choice that names no plugin: a misspelt one would only be a row of refusals at the end.

    Raises:
        LotteryError: With the name that is nearest.
    """
    registry = discover()
    for dimension in plan.dimensions:
        for choice in dimension.choices if dimension.name in PLUGIN_KINDS else ():
            numbers = {place: numbers.low for place, numbers in choice.ranges.items()}
            for spec in parse_specs(choice.filled(numbers), f"space.{dimension.name}"):
                registry.find(PLUGIN_KINDS[dimension.name], spec)


def too_few(plan: SearchPlan, split: Split) -> list[str]:
    """Parts that are too small to show that a ticket which answers like the original keeps its margin."""
    parts = (("documents", split.search, plan.accept_level), ("held_out", split.held_out, plan.alpha))
    found: dict[str, list[str]] = {}
    for what, part, level in parts:
        for task, documents in part.items():
            margin, least = split.margins[task], _least(split.margins[task], level)
            if len(documents) < least:
                note = (
                    f"{what}: {len(documents)} is few for margin {margin:g}: a ticket that answers exactly like the "
                    f"original takes {least} to be shown non-inferior; with fewer only a better one can"
                )
                found.setdefault(note, []).append(task)
    return [f"{note} ({', '.join(tasks)})." for note, tasks in found.items()]


def _least(margin: float, level: float) -> int:
    """Documents at which equal answers everywhere keep the margin at this level."""
    count = 1
    while TangoDifference(count, 0, 0).p_above(-margin) > level:
        count += 1
    return count


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"--out {folder}", f"can't be made: {error.strerror}", "Name another folder.") from error


def _keep_plan(plan: SearchPlan, study: Path, folder: Path) -> None:
    """Keep a copy of the study file; a resumed search may have another budget and batch size, and nothing else."""
    kept = folder / PLAN_FILE
    if kept.is_file() and _identity(read_plan(kept)) != _identity(plan):
        raise DataError(
            str(study),
            f"differs from the study that was begun in {folder} in more than its budget and batch_size",
            "Search in another --out.",
        )
    kept.write_text(study.read_text(encoding="utf-8"), encoding="utf-8")


def _identity(plan: SearchPlan) -> SearchPlan:
    return replace(plan, budget=Budget(), run={**plan.run, "batch_size": 0})


def _pool(plan: SearchPlan, folder: Path, runs: LmEvalRuns, ray: str | None, workers: int | None) -> Pool:
    if ray is None:
        return OneAtATime(runs)
    from lottery_plugins.search.ray_pool import RayPool

    here = folder.resolve()
    return RayPool(ray, workers, lambda name: LmEvalRuns(plan, here, f"{name}.log"))
