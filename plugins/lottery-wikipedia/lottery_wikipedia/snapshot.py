"""Recorded responses: a file of JSON lines, the first of which says what it is.

    {"snapshot": "wikipedia", "version": 1}
    {"language": "en", "search": "herons", "limit": 5, "recorded": "2026-11-22T06:00:00Z", "response": {...}}
    {"language": "en", "page": "Heron", "recorded": "2026-11-22T06:00:01Z", "response": {...}}

A line counts once its line break is written, so a process that is killed leaves nothing that is read. The first line
for a question is the one that counts.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from lottery_plugins.errors import DataError

__all__ = ["Question", "Recording", "Snapshot", "open_recording", "open_snapshot"]

Question = tuple[tuple[str, str | int], ...]
"""What was asked, as sorted pairs: ("language", "en"), ("page", "Heron")."""

_HEAD = {"snapshot": "wikipedia", "version": 1}
_ASKED = ("language", "limit", "page", "search")
_HINT = "Make a snapshot with record=PATH."


class Snapshot:
    """A recorded file, read whole.

    Args:
        path: The file.

    Raises:
        DataError: It can't be read, or is no snapshot.

    Attributes:
        responses: By question, in the order of recording.
        stamp: Names the content.
    """

    def __init__(self, path: Path) -> None:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DataError(str(path), f"can't be read ({error.strerror})", _HINT) from None
        self.stamp = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.responses: dict[Question, dict[str, Any]] = {}
        for question, response in _entries(content, path, at_start=True):
            self.responses.setdefault(question, response)
        self._by_title: dict[Question, dict[str, Any]] = {
            (("language", dict(question).get("language", "")), ("page", title)): response
            for question, response in reversed(self.responses.items())
            for title in _titles(response)
        }

    def find(self, question: Question) -> dict[str, Any] | None:
        """The answer to a question, or a page that was asked for by the title of a redirect to it; None: neither."""
        return self.responses.get(question, self._by_title.get(question))


class Recording:
    """A file that responses are appended to, by any number of threads and processes.

    Args:
        path: The file; it is made when the first response comes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[Question, dict[str, Any]] = {}
        self._read_to = 0
        self._lock = threading.Lock()

    def find(self, question: Question) -> dict[str, Any] | None:
        """What has been recorded for a question, by whichever process; None when nothing has."""
        with self._lock:
            self._read_on()
            return self._known.get(question)

    def add(self, question: Question, response: dict[str, Any]) -> dict[str, Any]:
        """Record a response, and give back the one that counts: another process may have been first."""
        from filelock import FileLock

        with self._lock, FileLock(f"{self._path}.lock"):
            self._read_on()
            if question not in self._known:
                with self._path.open("ab") as file:
                    file.truncate(self._read_to)  # what a killed process left unfinished
                    head = b"" if self._read_to else _line(_HEAD)
                    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
                    file.write(head + _line({**dict(question), "recorded": now, "response": response}))
                    file.flush()
                    os.fsync(file.fileno())
                self._read_on()
            return self._known[question]

    def _read_on(self) -> None:
        """Take in the lines that are new since the last look."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._read_to)
                content = file.read()
        except FileNotFoundError:
            return
        content = content[: content.rfind(b"\n") + 1]
        for question, response in _entries(content, self._path, at_start=not self._read_to):
            self._known.setdefault(question, response)
        self._read_to += len(content)


def _titles(response: Mapping[str, Any]) -> Iterator[str]:
    """Titles of the pages whose text a response has."""
    query = response.get("query")
    pages = query.get("pages") if isinstance(query, dict) else None
    for page in pages.values() if isinstance(pages, dict) else ():
        if isinstance(page, dict) and "extract" in page:
            yield str(page.get("title"))


def _line(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"


def _entries(content: bytes, path: Path, *, at_start: bool) -> Iterator[tuple[Question, dict[str, Any]]]:
    """The finished lines of a file, or of its continuation."""
    lines = content.split(b"\n")[:-1]
    for number, line in enumerate(lines, start=1):
        where = f"{path}:{number}" if at_start else str(path)
        try:
            entry = json.loads(line)
        except ValueError:
            raise DataError(where, "is no line of a snapshot, since it is not JSON", _HINT) from None
        if at_start and number == 1:
            if entry != _HEAD:
                raise DataError(where, f"does not begin with {json.dumps(_HEAD)}", _HINT)
            continue
        if not isinstance(entry, dict) or not isinstance(entry.get("response"), dict):
            raise DataError(where, "is no line of a snapshot, since it has no response", _HINT)
        yield tuple((key, entry[key]) for key in _ASKED if key in entry), entry["response"]


@lru_cache(maxsize=8)
def _read_once(path: Path, size: int, changed_ns: int) -> Snapshot:
    return Snapshot(path)


def open_snapshot(path: str) -> Snapshot:
    """A recorded file; read once for each process, as long as it does not change.

    Raises:
        DataError: It can't be read, or is no snapshot.
    """
    found = Path(path).expanduser().resolve()
    try:
        status = found.stat()
    except OSError as error:
        raise DataError(str(found), f"can't be read ({error.strerror})", _HINT) from None
    return _read_once(found, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=8)
def _recording(path: Path) -> Recording:
    return Recording(path)


def open_recording(path: str) -> Recording:
    """A file to record to; one object for each process, so that its threads share what they know."""
    return _recording(Path(path).expanduser().resolve())
