"""Folders of files that took long to make, kept by a key of everything they depend on."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

__all__ = ["IndexCache", "IndexCacheError"]

logger = logging.getLogger(__name__)

_T = TypeVar("_T")
_MANIFEST = "manifest.json"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_PIECE = 1 << 20  # bytes read at a time


class IndexCacheError(Exception):
    """The cache can't be written; what it should keep can be made without it."""


@dataclass(frozen=True)
class IndexCache:
    """Makes a folder once and hands it to all who ask for the same key, in this and in other processes.

    A folder appears under its name when it is complete, with the size and checksum of each of its files. One that does
    not agree with them is made again. Of several processes one makes it and the others wait.

    Attributes:
        root: Where the folders are; it need not exist.
    """

    root: Path

    def folder(self, key: str, write: Callable[[Path], None]) -> Path:
        """The folder of a key, made by `write` if there is no sound one.

        Args:
            key: Names the content; harmless as a file name.
            write: Fills an empty folder. Called under a lock, at most once.

        Raises:
            IndexCacheError: Folder or lock can't be written: no room, no right.
        """
        folder = self.root / key
        if folder.exists() and _damage(folder) is None:  # complete once it is there, so no lock is needed
            return folder
        with _cache_errors(self.root), self._lock(key):
            return self._sound(folder) or self._made(folder, write)

    def _lock(self, key: str) -> FileLock:
        self.root.mkdir(parents=True, exist_ok=True)
        return FileLock(self.root / f"{key}.lock")

    def _sound(self, folder: Path) -> Path | None:
        """The folder if it is there and whole; a damaged one is removed."""
        if not folder.exists():
            return None
        problem = _damage(folder)
        if problem is None:
            return folder
        logger.warning("The index in %s is damaged (%s) and is made again.", folder, problem)
        shutil.rmtree(folder)
        return None

    def _made(self, folder: Path, write: Callable[[Path], None]) -> Path:
        for abandoned in self.root.glob(f"{folder.name}.*.part"):  # of a process that was killed: we hold the lock
            shutil.rmtree(abandoned, ignore_errors=True)
        part = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".part", dir=self.root))
        try:
            try:
                write(part)
            except OSError as error:
                if error.errno in _NO_ROOM:
                    raise
                raise _NotOursError(error) from error
            _write_manifest(part)
            part.chmod(0o755)  # mkdtemp's is private, which a cache shared by a group should not be
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return folder


class _NotOursError(Exception):
    """Carries an OSError of the writer that is not about the cache: a model that is not there."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


@contextmanager
def _cache_errors(root: Path) -> Iterator[None]:
    """What the system refuses the cache, as IndexCacheError."""
    try:
        yield
    except _NotOursError as error:
        raise error.error from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise IndexCacheError(f"The index cache {root} can't be written ({reason})") from error


def _write_manifest(folder: Path) -> None:
    files = {path.relative_to(folder).as_posix(): _stamp(path) for path in _files(folder)}
    with (folder / _MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(files, file)
        file.flush()
        os.fsync(file.fileno())


def _damage(folder: Path) -> str | None:
    """What is wrong with a folder; None when every file is as it was written."""
    try:
        expected = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        found = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    except (OSError, ValueError) as error:
        return f"its manifest can't be read: {type(error).__name__}"
    if not isinstance(expected, dict) or set(expected) != set(found):
        return "files are missing or were added"
    changed = sorted(name for name, path in found.items() if expected[name] != _stamp(path))
    return f"{changed[0]} has changed" if changed else None


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / _MANIFEST)


def _stamp(path: Path) -> list[int]:
    """Size and checksum; for accidents, not for attackers: who writes here can write the manifest too."""
    checksum = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            checksum = zlib.crc32(piece, checksum)
    return [path.stat().st_size, checksum]
