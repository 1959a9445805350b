"""What a run leaves beside lm-eval's own files: every step of every problem, and what it all cost."""

from __future__ import annotations

import atexit
import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lottery_plugins.engine.store import SampleStore, StoreError
from lottery_plugins.ledger import LEDGER_FILE, TRAJECTORIES_FILE, Counters, Ledger
from lottery_plugins.trajectory import Trajectory

if TYPE_CHECKING:
    from lottery_plugins.harness.model import LotteryLM

__all__ = [
    "check_samples",
    "count_by_task",
    "describe_machine",
    "drop_resume_files",
    "export_beside",
    "finished",
    "note_samples",
    "write_records",
]

_finished: list[LotteryLM] = []
"""The model whose answers lm-eval is about to write. lm-eval's tracker does not know the model, so it is left here."""

_samples: dict[str, Sequence[int]] = {}
"""By task, the rows that lm-eval's `--samples` chose; empty without it. Known where lm-eval is called, needed here."""

_exported: list[SampleStore] = []
"""Stores of written runs: they go when the process ends, unless lm-eval fails to write the samples before."""


def note_samples(samples: Mapping[str, Sequence[int]] | None) -> None:
    """Note which rows of each task lm-eval was asked for; None for all or the first ones."""
    _samples.clear()
    _samples.update(samples or {})


def finished(model: LotteryLM) -> None:
    """Note that lm-eval has all answers of this model."""
    _finished[:] = [model]


def export_beside(results_file: Path) -> None:
    """Write trajectories.jsonl and ledger.json beside lm-eval's results file.

    Called after lm-eval has saved its results. Does nothing when the last run was not one of a lottery model.

    Raises:
        StoreError: lm-eval's file or ours could not be written; the finished samples are kept for the next try.
    """
    if not _finished:
        return
    model = _finished.pop()
    try:
        _check_written(results_file)
        ledger = model.ledger(results_file.name)
        write_records(results_file.parent, map(_by_row, model.trajectories), ledger)
    except (OSError, ValueError) as error:
        raise _not_saved(model.store, results_file.parent, error) from error
    model.assembly.registry.observers.run_finished(ledger.to_json(), results_file.parent)
    if model.store is not None:
        if not _exported:
            atexit.register(drop_resume_files)
        _exported.append(model.store)


def _by_row(trajectory: Trajectory) -> Trajectory:
    """The trajectory with the row of its document: among chosen samples lm-eval counts requests from 0."""
    chosen = _samples.get(trajectory.task)
    return replace(trajectory, doc_id=chosen[trajectory.doc_id]) if chosen else trajectory


def check_samples(samples_file: Path, num_samples: int) -> None:
    """Check that lm-eval wrote all samples: it only logs when it could not.

    Raises:
        StoreError: Some are missing; the finished samples are kept for the next try.
    """
    if not _exported:
        return
    try:
        with samples_file.open(encoding="utf-8") as lines:
            found = sum(line.endswith("\n") for line in lines)
        if found < num_samples:
            raise OSError(f"{samples_file.name} has {found} of {num_samples} samples")
    except OSError as error:
        raise _not_saved(_exported.pop(), samples_file.parent, error) from error


def _check_written(results_file: Path) -> None:
    if not results_file.is_file():
        raise OSError(f"lm-eval did not write {results_file.name}")
    json.loads(results_file.read_text(encoding="utf-8"))  # a full disk leaves half a file


def _not_saved(store: SampleStore | None, folder: Path, error: Exception) -> StoreError:
    if store is not None:
        store.mark_complete(is_complete=False)
    return StoreError(
        f"The results can't be written to {folder}: {error}. Free some space or choose another --output_path, then run "
        "the same command again: finished samples are kept."
    )


def drop_resume_files() -> None:
    """Remove the stores of runs whose results are written; at the end of the process, or before its next run."""
    while _exported:
        _exported.pop().remove()


def write_records(folder: Path, trajectories: Iterable[Trajectory], ledger: Ledger) -> None:
    """Write both files whole or not at all."""
    lines = (json.dumps(t.to_json(), ensure_ascii=False) + "\n" for t in trajectories)
    _write_whole(folder / TRAJECTORIES_FILE, lines)
    _write_whole(folder / LEDGER_FILE, [json.dumps(ledger.to_json(), indent=2, ensure_ascii=False) + "\n"])


def _write_whole(path: Path, parts: Iterable[str]) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(parts)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


_WORK = ("generate", "score", "tool", "retrieve")
"""Steps that take time of their own; a verification's time is that of the completions it asked for."""


def count_by_task(
    trajectories: Sequence[Trajectory], flops: Callable[[Trajectory], float | None]
) -> dict[str, Counters]:
    """Counters of each task. Seconds are those of the model, the tools and the searches, a batch's shared out.

    The problems' own wall times would count a shared batch once for each problem that waited for it.

    Args:
        trajectories: Of all tasks.
        flops: Operations of one; None where they were not counted.
    """
    by_task: dict[str, list[Trajectory]] = {}
    for trajectory in trajectories:
        by_task.setdefault(trajectory.task, []).append(trajectory)
    return {task: _count(some, [flops(trajectory) for trajectory in some]) for task, some in by_task.items()}


def _count(trajectories: Sequence[Trajectory], flops: Sequence[float | None]) -> Counters:
    return replace(
        Counters.of(trajectories),
        seconds=sum(step.seconds for t in trajectories for step in t.steps if step.kind in _WORK),
        flops=None if None in flops else sum(number or 0.0 for number in flops),
    )


def describe_machine() -> dict[str, Any]:
    """The machine, in the words that a figure needs beside it."""
    return {"system": platform.platform(), "processor": _processor(), "cores": os.cpu_count()}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
