"""Our end of one worker process: frames out, lines of JSON in, each within a deadline. POSIX only."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import selectors
import signal
import subprocess
import sys
import threading
import time
from typing import IO, Any

from lottery_plugins.engine import tool_worker

__all__ = ["NoAnswerError", "ProcessEndedError", "ToolProcess"]

_START_S = 120.0
"""Most time to start, or to import a tool's modules: a deadline of calls would count the disk's slowness as theirs."""

_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "RAYON_NUM_THREADS"), "1"
)
_CHUNK_BYTES = 65536
_TAIL_BYTES = 2000
_LAST_WORDS_S = 0.2  # for stderr, once the other pipe is closed


class NoAnswerError(Exception):
    """The deadline passed; the process is to be killed."""


class ProcessEndedError(Exception):
    """The process ended, or wrote what is no answer; it is to be killed."""


class ToolProcess:
    """One worker process in a session of its own, so that Ctrl-C in the terminal reaches our process alone.

    One thread at a time asks; `kill` may be called from any.

    Args:
        deadline_s: Most time for a call; the process also has the kernel end it a little later.

    Raises:
        OSError: It can't be started.

    Attributes:
        loaded: Names of the tools it has.
    """

    def __init__(self, deadline_s: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable or "python3", "-P", tool_worker.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **_ONE_THREAD},
            start_new_session=True,
        )
        self._lock = threading.Lock()  # between killing and reaping: a reaped process's number may be another's
        self._deadline_s = deadline_s
        self._number = 0
        self._read, self._told = bytearray(), bytearray()
        self.loaded: set[str] = set()
        self.is_killed = False
        self._selector = selectors.DefaultSelector()
        for pipe in (self._process.stdout, self._process.stderr):
            self._selector.register(_fd(pipe), selectors.EVENT_READ)
        os.set_blocking(_fd(self._process.stdin), False)

    @property
    def told(self) -> str:
        """The end of what the tool wrote to stderr and stdout."""
        return self._told.decode("utf-8", "replace").strip()

    def load(self, name: str, tool: bytes) -> dict[str, Any]:
        """Bring a pickled tool; the answer has "unloadable", why, when it can't be unpickled there."""
        if not self._number:
            self._ask("start", "", pickle.dumps((sys.path, self._deadline_s)), _START_S)
        answer = self._ask("load", name, tool, _START_S)
        if "unloadable" not in answer:
            self.loaded.add(name)
        return answer

    def call(self, name: str, arguments: bytes) -> dict[str, Any]:
        """Call a loaded tool with pickled arguments; what its process says, not yet checked but for the number."""
        return self._ask("call", name, arguments, self._deadline_s)

    def _ask(self, kind: str, name: str, content: bytes, seconds: float) -> dict[str, Any]:
        """Send a frame and wait for its answer.

        Raises:
            NoAnswerError: None came within `seconds`.
            ProcessEndedError: The process ended, or what came is no answer to this frame.
        """
        self._number += 1
        self._told.clear()
        frame = pickle.dumps((self._number, kind, name, content))
        line = self._exchange(len(frame).to_bytes(tool_worker.FRAME_HEAD_BYTES) + frame, time.monotonic() + seconds)
        try:
            answer = json.loads(line.decode("utf-8", "surrogatepass"))
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict) or answer.get("number") != self._number or self._read:
            raise ProcessEndedError("it wrote what is no answer")
        return answer

    def _exchange(self, frame: bytes, end: float) -> bytes:
        """Write, and read up to the end of a line; what came in time counts even when we look late.

        Once it is late, only an answer that keeps coming is waited for: its length is bounded, that of stderr is not.
        """
        stdin, out = _fd(self._process.stdin), _fd(self._process.stdout)
        left = memoryview(frame)
        self._selector.register(stdin, selectors.EVENT_WRITE)
        try:
            while b"\n" not in self._read[-_CHUNK_BYTES:]:
                left_s = end - time.monotonic()
                ready = [key for key, _ in self._selector.select(max(0.0, left_s))]
                if not ready or (left_s < 0 and out not in [key.fd for key in ready]):
                    raise NoAnswerError
                for key in ready:
                    if key.fd == stdin:
                        left = left[_write(stdin, left) :]
                        if not left:
                            self._selector.unregister(stdin)
                    elif key.fd == out:
                        self._take_some(out)
                    else:
                        self._keep_tail(key.fd)
        finally:
            with contextlib.suppress(KeyError):
                self._selector.unregister(stdin)
        line, _, self._read = self._read.partition(b"\n")
        return bytes(line)

    def _take_some(self, fd: int) -> None:
        chunk = os.read(fd, _CHUNK_BYTES)
        if not chunk:
            self._wait_for_end(time.monotonic() + _LAST_WORDS_S)
            raise ProcessEndedError("it ended")
        self._read += chunk
        if len(self._read) > tool_worker.MAX_ANSWER_BYTES + _CHUNK_BYTES:
            raise ProcessEndedError("it wrote more than an answer may have")

    def _keep_tail(self, fd: int) -> None:
        chunk = os.read(fd, _CHUNK_BYTES)
        if not chunk:
            self._selector.unregister(fd)
        self._told = (self._told + chunk)[-_TAIL_BYTES:]

    def _wait_for_end(self, until: float) -> None:
        """Read what it still writes until it closes its pipes, by ending."""
        while self._selector.get_map() and (left_s := until - time.monotonic()) > 0:
            for key, _ in self._selector.select(left_s):
                self._keep_tail(key.fd)

    @property
    def is_fit(self) -> bool:
        """Whether an idle process can take a call: alive, and silent since its last answer."""
        ready = {key.fd for key, _ in self._selector.select(0)}
        return not self.is_killed and _fd(self._process.stdout) not in ready

    def kill(self) -> None:
        """End the process and what it started; the thread that waits for it sees that. From any thread."""
        with self._lock:
            self.is_killed = True
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says so of a zombie
                    os.killpg(self._process.pid, signal.SIGKILL)

    def hang_up(self) -> None:
        """Tell an idle process that no more will come, so that it ends by itself."""
        with contextlib.suppress(OSError):
            _pipe(self._process.stdin).close()

    def end(self, patience_s: float = 0.0) -> int:
        """Wait for the process to end by itself for `patience_s`, then kill it; clear up. By the thread that owns it.

        Returns:
            Its exit status, negative for a signal.
        """
        self._wait_for_end(time.monotonic() + patience_s)
        self.kill()
        with self._lock:
            status = self._process.wait()
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError):
                _pipe(pipe).close()
        return status


def _write(fd: int, left: memoryview) -> int:
    try:
        return os.write(fd, left)
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        raise ProcessEndedError("it ended") from None


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # all three are pipes
    return pipe


def _fd(pipe: IO[bytes] | None) -> int:
    return _pipe(pipe).fileno()
