"""The trajectories beside a run's results: found by document without keeping their texts in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lottery_plugins.errors import DataError
from lottery_plugins.limits import StopReason
from lottery_plugins.results.load import TaskRun

__all__ = ["Entry", "read_trajectory", "trajectories_of"]

_READ = ("answer", "steps", "seconds")
"""What a whole trajectory has beside what the index looks at."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where one trajectory lies in its file.

    Attributes:
        path: The file.
        line: Its line, from 1.
        offset: Its first byte.
        length: Its bytes.
        is_failed: Whether it ended by an error of ours or of a plugin.
    """

    path: Path
    line: int
    offset: int
    length: int
    is_failed: bool


def trajectories_of(run: TaskRun) -> Mapping[tuple[int, int], Entry]:
    """The trajectories of a task by (doc_id, sample); empty for other people's runs. A file is read once for all tasks.

    Raises:
        DataError: A line is no trajectory.
    """
    path = run.file.trajectories_path
    if path is None:
        return {}
    stat = path.stat()
    return _indexed(path, stat.st_mtime_ns, stat.st_size).get(run.task, {})


def read_trajectory(entry: Entry) -> Mapping[str, Any]:
    """One trajectory as `Trajectory.to_json` wrote it.

    Raises:
        DataError: It lacks what every trajectory has.
    """
    with entry.path.open("rb") as file:
        file.seek(entry.offset)
        data: Mapping[str, Any] = json.loads(file.read(entry.length))
    missing = [name for name in _READ if name not in data]
    if missing:
        raise _no_trajectory(entry.path, entry.line, f"without {missing[0]!r}")
    return data


@lru_cache(maxsize=64)
def _indexed(path: Path, mtime_ns: int, size: int) -> Mapping[str, Mapping[tuple[int, int], Entry]]:
    """All trajectories of a file by task; time and size tell one state of it from another."""
    found: dict[str, dict[tuple[int, int], Entry]] = {}
    offset = 0
    with path.open("rb") as file:
        for line, text in enumerate(file, 1):
            try:
                data = json.loads(text)
                is_failed = data["stop_reason"] == StopReason.FAILED.value
                entry = Entry(path, line, offset, len(text), is_failed)
                found.setdefault(data["task"], {})[data["doc_id"], data["sample"]] = entry
            except (ValueError, KeyError, TypeError) as error:
                raise _no_trajectory(path, line, repr(error)) from error
            offset += len(text)
    return found


def _no_trajectory(path: Path, line: int, why: str) -> DataError:
    return DataError(f"{path}, line {line}", f"is no trajectory ({why})", "Run it again.")
