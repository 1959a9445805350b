"""Finished samples on disk until their run is complete, so that the same command goes on where it stopped.

One SQLite file per run fingerprint. It holds trajectories by a key of everything the sample's answer depends on.
When a run is complete and its results are written, the file goes; a run started again afterwards computes afresh.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lottery_plugins.errors import LotteryError
from lottery_plugins.trajectory import Problem, Trajectory

__all__ = ["SampleStore", "StoreError", "problem_key"]


class StoreError(LotteryError):
    """The store can't be read or written: a full disk, a missing right."""


def problem_key(problem: Problem) -> str:
    """Names a sample by what its answer depends on: prompt, context, documents, tools, settings, repeat."""
    parts = [
        problem.task,
        problem.sample,
        [[m.role, m.content] for m in problem.messages],
        problem.question,
        problem.context,
        [[d.id, d.title, d.text] for d in problem.knowledge_base],
        problem.tools,
        repr(problem.config),
        problem.is_chat,
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


class SampleStore:
    """Trajectories of one run by sample key.

    Args:
        path: The SQLite file; made when first written. WAL mode: a kill leaves all finished samples readable.

    Raises:
        StoreError: The disk is full, or the folder can't be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None

    def begin(self) -> int:
        """Start or resume: drops what a complete run left. Returns the number of finished samples found."""
        with self._connection() as db:
            if db.execute("SELECT 1 FROM meta WHERE name = 'complete'").fetchone():
                db.execute("DELETE FROM samples")
                db.execute("DELETE FROM meta")
            return int(db.execute("SELECT COUNT(*) FROM samples").fetchone()[0])

    def get(self, key: str) -> Trajectory | None:
        """The finished trajectory of a sample, or None."""
        with self._connection() as db:
            row = db.execute("SELECT trajectory FROM samples WHERE key = ?", (key,)).fetchone()
        return Trajectory.from_json(json.loads(row[0])) if row else None

    def put(self, key: str, trajectory: Trajectory) -> None:
        """Keep a finished trajectory; on disk when this returns."""
        text = json.dumps(trajectory.to_json(), ensure_ascii=False)
        with self._connection() as db:
            db.execute("INSERT OR REPLACE INTO samples VALUES (?, ?)", (key, text))

    def mark_complete(self, *, is_complete: bool = True) -> None:
        """Note that all answers were handed over; the next `begin` starts afresh."""
        with self._connection() as db:
            db.execute("DELETE FROM meta")
            if is_complete:
                db.execute("INSERT INTO meta VALUES ('complete', '1')")

    def remove(self) -> None:
        """Delete the file."""
        if self._db is not None:
            self._db.close()
            self._db = None
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            if self._db is None:
                self._db = self._open()
            with self._db:
                yield self._db
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"Finished samples can't be kept in {self.path}: {error}. Free some space or set LOTTERY_CACHE to "
                "another folder, then run the same command again: what is stored is kept. resume=false does without."
            ) from error

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, timeout=30, check_same_thread=False)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")  # survives a kill; a power cut may lose the last rows
        db.execute("CREATE TABLE IF NOT EXISTS samples (key TEXT PRIMARY KEY, trajectory TEXT NOT NULL)")
        db.execute("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        db.commit()
        return db
