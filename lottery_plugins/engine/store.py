"""What is finished of a run, on disk until the run is complete, so that the same command goes on where it stopped.

One SQLite file per run fingerprint. It holds finished trajectories by a key of everything the sample's answer depends
on, and the completions of samples that are not finished yet. When a run is complete and its results are written, the
file goes; a run started again afterwards computes afresh.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from lottery_plugins.errors import LotteryError
from lottery_plugins.folders import write_ahead
from lottery_plugins.generation import Completion, GenerationRequest
from lottery_plugins.trajectory import Problem, Trajectory

__all__ = ["SampleStore", "StoreError", "problem_key", "request_key"]

logger = logging.getLogger(__name__)

_PATIENCE_S = 30  # for another process that writes the same store
_VERSION = 2
"""Of the tables and of what is in them, in the file's `user_version`. The first version wrote none: 0."""

_TABLES = {
    "samples": "key TEXT PRIMARY KEY, trajectory BLOB NOT NULL",
    "completions": "sample TEXT, request TEXT, completion BLOB NOT NULL, PRIMARY KEY (sample, request)",
    "meta": "name TEXT PRIMARY KEY, value TEXT NOT NULL",
}


class StoreError(LotteryError):
    """The store can't be read or written: a full disk, a missing right."""


def problem_key(problem: Problem) -> str:
    """Names a sample by its document and what its answer depends on: prompt, context, tools, settings."""
    parts = [
        problem.task,
        problem.doc_id,
        problem.sample,
        [[m.role, m.content] for m in problem.messages],
        problem.question,
        problem.context,
        problem.popularity,
        [[d.id, d.title, d.text] for d in problem.knowledge_base],
        problem.tools,
        repr(problem.config),
        problem.is_chat,
        *([] if problem.budget_tokens is None else [problem.budget_tokens]),
    ]
    return hashlib.sha256(_packed(parts)).hexdigest()


def request_key(request: GenerationRequest) -> str:
    """Names a request within its sample by what is asked, how, and for which sample number."""
    parts = [[[m.role, m.content] for m in request.messages], request.text, repr(request.config), request.sample]
    return hashlib.sha256(_packed(parts)).hexdigest()


class SampleStore:
    """Trajectories of one run by sample key, and the completions of unfinished samples by sample and request.

    What a method wrote is on disk when it returns: a kill at any moment loses nothing of it. Several processes may use
    one file; each waits for the other's writing.

    Args:
        path: The SQLite file; made when first written. One of another version of this class is emptied, with a warning.

    Raises:
        StoreError: From every method: the disk is full, the folder can't be written, or the file is not ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None

    def begin(self) -> int:
        """Start or resume: drops what a complete run left. Returns the number of finished samples found."""
        with self._connection() as db:
            if db.execute("SELECT 1 FROM meta WHERE name = 'complete'").fetchone():
                for table in _TABLES:
                    db.execute(f"DELETE FROM {table}")
            return int(db.execute("SELECT COUNT(*) FROM samples").fetchone()[0])

    def get(self, key: str) -> Trajectory | None:
        """The finished trajectory of a sample, or None."""
        with self._connection() as db:
            row = db.execute("SELECT trajectory FROM samples WHERE key = ?", (key,)).fetchone()
            return Trajectory.from_json(_unpacked(row[0])) if row else None

    def put(self, key: str, trajectory: Trajectory) -> None:
        """Keep a finished trajectory; the completions of its sample go in the same transaction."""
        value = _packed(trajectory.to_json())
        with self._connection() as db:
            db.execute("INSERT OR REPLACE INTO samples VALUES (?, ?)", (key, value))
            db.execute("DELETE FROM completions WHERE sample = ?", (key,))

    def completions(self, sample: str) -> dict[str, Completion]:
        """The kept completions of an unfinished sample, by the names given to `put_completion`."""
        with self._connection() as db:
            rows = db.execute("SELECT request, completion FROM completions WHERE sample = ?", (sample,)).fetchall()
            return {request: _completion(_unpacked(value)) for request, value in rows}

    def put_completion(self, sample: str, request: str, completion: Completion) -> None:
        """Keep a completion until its sample is finished.

        Args:
            sample: The sample's key.
            request: Names the completion within its sample.
            completion: What was made.
        """
        value = _packed({field.name: getattr(completion, field.name) for field in fields(completion)})
        with self._connection() as db:
            db.execute("INSERT OR REPLACE INTO completions VALUES (?, ?, ?)", (sample, request, value))

    def count_completions(self) -> int:
        """How many completions of unfinished samples are kept."""
        with self._connection() as db:
            return int(db.execute("SELECT COUNT(*) FROM completions").fetchone()[0])

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
        """One transaction."""
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
        except (ValueError, TypeError, KeyError) as error:
            raise StoreError(
                f"{self.path} holds something else than finished samples ({type(error).__name__}: {error}). "
                "Delete it; the same command then computes afresh. resume=false does without."
            ) from error

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, timeout=_PATIENCE_S, check_same_thread=False)
        try:
            write_ahead(db, _PATIENCE_S)
            db.execute("PRAGMA synchronous=NORMAL")  # survives a kill; a power cut may lose the last rows
            with db:
                db.execute("BEGIN IMMEDIATE")
                self._make_tables(db)
        except BaseException:
            db.close()
            raise
        return db

    def _make_tables(self, db: sqlite3.Connection) -> None:
        """Bring the file to this version's tables; those of another version are emptied."""
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == _VERSION:
            return
        found = {str(name) for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if foreign := found - set(_TABLES):
            raise sqlite3.DatabaseError(f"it is another program's: it has a table {min(foreign)!r}")
        if found:
            logger.warning("%s is of another version: what it holds is dropped and computed afresh.", self.path)
        for table, columns in _TABLES.items():
            db.execute(f"DROP TABLE IF EXISTS {table}")
            db.execute(f"CREATE TABLE {table} ({columns})")
        db.execute(f"PRAGMA user_version = {_VERSION}")


def _packed(value: object) -> bytes:
    """JSON; lone surrogates, which a document may hold, survive."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _unpacked(value: bytes) -> Any:
    return json.loads(value.decode("utf-8", "surrogatepass"))


def _completion(data: dict[str, Any]) -> Completion:
    return Completion(**{**data, "ids": tuple(data["ids"])})
