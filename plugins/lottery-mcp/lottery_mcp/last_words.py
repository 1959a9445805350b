"""What a server's program writes to its stderr: the last of it is kept, for the message when it can't be reached."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import TextIO

__all__ = ["LastWords"]

TAIL_BYTES = 500
_PATIENCE_S = 0.5


class LastWords:
    """Reads a pipe until all its writers are gone."""

    def __init__(self) -> None:
        self._tail = b""
        self._ended = threading.Event()
        self._is_listening = False

    @contextlib.contextmanager
    def listening(self) -> Iterator[TextIO]:
        """The end of the pipe that a program is given. A thread reads the other end until the program is gone."""
        reading, writing = os.pipe()
        self._is_listening = True
        threading.Thread(target=self._read, args=(reading,), name="lottery-mcp-stderr", daemon=True).start()
        with os.fdopen(writing, "w") as stderr:
            yield stderr

    def _read(self, reading: int) -> None:
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            while chunk := pipe.read(65_536):
                self._tail = (self._tail + chunk)[-TAIL_BYTES:]
        self._ended.set()

    def shown(self) -> str:
        """The last words as the end of a sentence; "" without any. Waits a moment for a program that has just ended."""
        if self._is_listening:
            self._ended.wait(_PATIENCE_S)
        text = " ".join(self._tail.decode("utf-8", "replace").split())
        return f"; it wrote: {text!r}" if text else ""
