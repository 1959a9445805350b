"""A table of the paper with runs of ours under the published rows: what stands in it, read from lm-eval's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lottery_plugins.errors import DataError
from lottery_plugins.results.chosen import short_names
from lottery_plugins.results.figures import Figure, read_figure
from lottery_plugins.results.load import Run, load_run
from lottery_plugins.results.published import PaperTable

__all__ = ["OurRow", "PaperResults", "load_runs", "read_table"]


@dataclass(frozen=True, slots=True)
class OurRow:
    """One run.

    Attributes:
        name: As in the table.
        figures: In the order of the columns; None: the run doesn't have the task.
    """

    name: str
    figures: Sequence[Figure | None]


@dataclass(frozen=True, slots=True)
class PaperResults:
    """A published table and our rows.

    Attributes:
        table: What was published.
        rows: Ours, in the order of the runs.
        notes: What a reader should know.
    """

    table: PaperTable
    rows: Sequence[OurRow]
    notes: Sequence[str]


def load_runs(folders: Sequence[Path], tasks: Sequence[str], name: str) -> list[Run]:
    """Runs that each have some of a table's tasks.

    Args:
        folders: lm-eval's output folders.
        tasks: The table's tasks.
        name: The table's, for messages.

    Raises:
        DataError: One holds no results, or none of the tasks.
        RunsNotComparableError: One holds several models.
    """
    names = short_names(folders, f"lottery table {name}")
    runs = [load_run(folder, label) for folder, label in zip(folders, names, strict=True)]
    for run in runs:
        if not set(tasks) & run.tasks.keys():
            raise DataError(
                str(run.folder),
                f"has none of the tasks of the table '{name}': {', '.join(tasks)}",
                f"It has {', '.join(sorted(run.tasks))}.",
            )
        run.check_one_model(set(tasks))
    return runs


def read_table(name: str, table: PaperTable, folders: Sequence[Path]) -> PaperResults:
    """Read our rows.

    Raises:
        LotteryError: As `load_runs`, or samples can't be read.
    """
    tasks = list(dict.fromkeys(column.task for column in table.columns))
    runs = load_runs(folders, tasks, name)
    rows = [OurRow(run.name, [_figure(run, column.task, column.metric) for column in table.columns]) for run in runs]
    return PaperResults(table, rows, [note for run in runs for note in _notes(run, tasks)] + _failures(table, rows))


def _figure(run: Run, task: str, metric: str) -> Figure | None:
    return read_figure(run.tasks[task], metric) if task in run.tasks else None


def _notes(run: Run, tasks: Sequence[str]) -> list[str]:
    """Settings that a reader can't see in the table: worked examples, and which of several files was read."""
    shots: Mapping[str, int] = {t: run.tasks[t].num_fewshot or 0 for t in tasks if t in run.tasks}
    shown = [f"{task} {count}" for task, count in shots.items() if count]
    return [*run.notes, *([f"{run.name}: worked examples in the prompt: {', '.join(shown)}."] if shown else [])]


def _failures(table: PaperTable, rows: Sequence[OurRow]) -> list[str]:
    failed = {
        (row.name, column.task): figure
        for row in rows
        for column, figure in zip(table.columns, row.figures, strict=True)
        if figure is not None and figure.failed
    }
    return [
        f"{name}: {figure.failed} of {figure.n} documents of {task} ended without an answer and count as wrong."
        for (name, task), figure in failed.items()
    ]
