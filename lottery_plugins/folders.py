"""Where this product keeps what can be made again, and how several processes share a file there."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

__all__ = ["cache_folder", "index_folder", "write_ahead"]


def cache_folder() -> Path:
    """The cache: LOTTERY_CACHE, or `lottery_plugins` in the user's cache folder. It may not exist yet."""
    if chosen := os.environ.get("LOTTERY_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or "~/.cache"
    return Path(base).expanduser() / "lottery_plugins"


def write_ahead(db: sqlite3.Connection, patience_s: float) -> None:
    """Switch a SQLite file to WAL, so that readers and a writer do not wait for each other.

    SQLite does not wait where another process is switching the same new file: it says locked.

    Args:
        db: A connection to it; one to memory is left as it is.
        patience_s: How long to try.

    Raises:
        sqlite3.Error: It is still locked then, or can't be written.
    """
    import sqlite3  # not every user of this module needs it

    until = time.monotonic() + patience_s
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
        time.sleep(0.005)


def index_folder() -> Path | None:
    """Where indexes of knowledge bases are kept: LOTTERY_INDEX_CACHE, or `indexes` in the cache; None for "off"."""
    chosen = os.environ.get("LOTTERY_INDEX_CACHE")
    if chosen == "off":
        return None
    return Path(chosen).expanduser() if chosen else cache_folder() / "indexes"
