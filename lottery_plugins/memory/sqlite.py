"""`sqlite`: a memory that all problems of a run share, in a file where it is to outlive the run."""

from __future__ import annotations

import math
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.folders import write_ahead
from lottery_plugins.memory.rendering import newest_lines
from lottery_plugins.protocols.plugin import option

__all__ = ["Sqlite", "SqliteStore"]

_PATIENCE_S = 30.0  # for another process that writes the same file
_APPLICATION = 0x4C544D31  # in the file's header: "LTM1"
_TABLE = (
    "CREATE TABLE IF NOT EXISTS entries "
    "(id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, UNIQUE (namespace, key))"
)


_ALL = "SELECT key, value FROM entries WHERE namespace = ? ORDER BY id"


@dataclass(frozen=True)
class Sqlite:
    """Entries by key that every problem of the run reads and writes: what one wrote, the others find.

    **Results depend on the order in which the problems are worked on**, and with several in flight on their speed;
    `max_live=1` fixes the order. Problems are then not independent samples, which the intervals of `lottery compare`
    assume. The other memories, of scope "problem", have neither drawback.

    Without a path the entries live as long as the run, in its process. With one they stay in the file: a second run,
    and any other process, that names the same file and namespace goes on from them. Writers wait for each other, and
    what was written is there after a kill.

    An entry is found by words of its key or value too, since no problem knows what keys another one chose.

    A write that would exceed a limit first drops the oldest entries of its namespace; a key and value that are too
    long by themselves are cut at their end.

    Raises:
        ConfigError: If a limit is below 1, or the namespace is empty.
        DataError: When it is opened or used: the file can't be read or written, or is another program's.
    """

    name: ClassVar[str] = "sqlite"
    summary: ClassVar[str] = "Share entries among all problems of a run, so that results depend on their order."
    scope: ClassVar[Literal["problem", "run"]] = "run"

    path: str = option("", "file to keep them in; empty: nowhere, they end with the run")
    namespace: str = option("run", "entries of another namespace in the same file are not seen")
    max_entries: int = option(10_000, "most entries; the oldest give way", unit="entries", allowed="at least 1")
    max_chars: int = option(10_000, "longest key and value together", unit="characters", allowed="at least 1")

    def __post_init__(self) -> None:
        for name in ("max_entries", "max_chars"):
            if getattr(self, name) < 1:
                raise ConfigError(f"memory: sqlite.{name}", getattr(self, name), "a whole number from 1")
        if not self.namespace:
            raise ConfigError("memory: sqlite.namespace", self.namespace, "a word")

    def open(self) -> SqliteStore:
        """The entries of the namespace; none without a file."""
        return SqliteStore(self)


class SqliteStore:
    """One opened connection. Used from one thread at a time."""

    def __init__(self, options: Sqlite) -> None:
        self._options = options
        self._path = Path(options.path).expanduser() if options.path else None
        with self._named():
            self._db = sqlite3.connect(
                self._path or ":memory:", timeout=_PATIENCE_S, check_same_thread=False, isolation_level=None
            )
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def write(self, key: str, value: str) -> None:
        """Store a value; an existing key keeps its place in the order. Drops the oldest entries to make room."""
        key = key[: self._options.max_chars]
        value = value[: self._options.max_chars - len(key)]
        space = self._options.namespace
        with self._transaction() as db:
            db.execute(
                "INSERT INTO entries (namespace, key, value) VALUES (?, ?, ?) "
                "ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value",
                (space, _stored(key), _stored(value)),
            )
            db.execute(
                "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE namespace = ?1 AND key != ?2 "
                "ORDER BY id LIMIT max(0, (SELECT count(*) FROM entries WHERE namespace = ?1) - ?3))",
                (space, _stored(key), self._options.max_entries),
            )

    def read(self, key: str) -> str | None:
        """The value, or None when no problem has written the key or it has given way."""
        rows = self._rows("SELECT value FROM entries WHERE namespace = ? AND key = ?", key[: self._options.max_chars])
        return rows[0][0] if rows else None

    def keys(self) -> Sequence[str]:
        """All keys of the namespace in the order of first writing."""
        return tuple(key for (key,) in self._rows("SELECT key FROM entries WHERE namespace = ? ORDER BY id"))

    def render(self, max_chars: int | None = None) -> str:
        """A line "key: value" per entry, in order; with a limit, the last entries that fit."""
        return newest_lines([f"{key}: {value}" for key, value in self._rows(_ALL)], max_chars)

    def find(self, query: str, top_k: int) -> Sequence[tuple[str, str]]:
        """The entries that share most words with a query, rare words counting more; of equals the newest first.

        Cost: reads all entries of the namespace.
        """
        entries = [(key, value) for key, value in self._rows(_ALL)]
        words = [_words(f"{key} {value}") for key, value in entries]
        known = Counter(word for of_entry in words for word in of_entry)
        asked = _words(query)
        scores = [sum(math.log1p(len(entries) / known[word]) for word in asked & of_entry) for of_entry in words]
        best = sorted((i for i, score in enumerate(scores) if score), key=lambda i: (-scores[i], -i))
        return [entries[i] for i in best[:top_k]]

    def close(self) -> None:
        """Close the connection. Entries without a file are gone."""
        self._db.close()

    def _rows(self, query: str, *keys: str) -> list[tuple[str, ...]]:
        with self._named():
            found = self._db.execute(query, (self._options.namespace, *map(_stored, keys))).fetchall()
            return [tuple(str(value, "utf-8", "surrogatepass") for value in row) for row in found]

    def _prepare(self) -> None:
        """Make the table, once, however many processes open the same new file."""
        write_ahead(self._db, _PATIENCE_S)
        self._db.execute("PRAGMA synchronous=NORMAL")  # survives a kill; a power cut may lose the last entries
        with self._transaction() as db:
            application = db.execute("PRAGMA application_id").fetchone()[0]
            if application != _APPLICATION:
                if db.execute("SELECT 1 FROM sqlite_master").fetchone():
                    raise sqlite3.DatabaseError("it is another program's")
                db.execute(_TABLE)
                db.execute(f"PRAGMA application_id = {_APPLICATION}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Begun as a writer at once: one that begins as a reader may not wait for another writer."""
        with self._named():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            raise DataError(
                f"memory: sqlite.path={self._options.path}",
                f"can't be used: {error}",
                "Name a file of this memory, or a new one in a folder that can be written.",
            ) from error


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.casefold()))


def _stored(text: str) -> bytes:
    """As bytes: SQLite's text ends at a null character for some functions, and lone surrogates are no text to it."""
    return text.encode("utf-8", "surrogatepass")
