"""The program of a tool's worker process: gets tools and calls from its parent, gives back what the tools answer.

Run by its path, so it imports nothing but the standard library until the first frame says where the rest lies. Frames
come from our own process and are pickles; answers are lines of JSON, since a tool may run what a model wrote, and the
parent must not trust its process. A tool finds no input, and what it prints goes to stderr.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import sys
import threading
import traceback
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

__all__ = ["FRAME_HEAD_BYTES", "MAX_ANSWER_BYTES", "Worker", "main"]

FRAME_HEAD_BYTES = 8
"""A frame is its length, big end first, and a pickle."""

MAX_ANSWER_BYTES = 8 * 2**20
"""Longest line that the parent reads. The longest text of the built-in tools, a million characters, fits."""

_GRACE_S = 5.0  # what the kernel's timer leaves the parent, which kills at the deadline, and a tool's exit handlers
_OOM_SCORE = b"500"  # of 1000: when memory is short, a tool goes before the model does


class Worker:
    """Answers frames until they end.

    A thread of its own reads them, so that the end of the parent is seen while a tool is busy: a busy process is then
    killed with all that it started, an idle one ends as a program does.

    Args:
        frames: Where they come from.
        answers: File descriptor that the lines go to.
    """

    def __init__(self, frames: BinaryIO, answers: int) -> None:
        self._frames, self._answers = frames, answers
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._num_read = self._num_answered = 0  # each is written by one thread only
        self._tools: dict[str, Any] = {}
        self._deadline_s = 0.0

    def run(self) -> None:
        """Answer all frames."""
        threading.Thread(target=self._read, daemon=True).start()
        while (frame := self._queue.get()) is not None:
            self._send(self._answer(*pickle.loads(frame)))
            self._num_answered += 1

    def _read(self) -> None:
        while len(head := self._frames.read(FRAME_HEAD_BYTES)) == FRAME_HEAD_BYTES:
            frame = self._frames.read(int.from_bytes(head))
            self._num_read += 1
            self._queue.put(frame)
        if self._num_read > self._num_answered:
            _end_group()
        signal.setitimer(signal.ITIMER_REAL, _GRACE_S)
        self._queue.put(None)

    def _answer(self, number: int, kind: str, name: str, content: bytes) -> dict[str, Any]:
        """What one frame asks for: "start" sets up, "load" brings a tool, "call" calls it."""
        try:
            found = pickle.loads(content)
        except Exception as error:  # noqa: BLE001 - a module that can't be imported here may raise anything
            return {"number": number, "unloadable": _told(error)}
        if kind == "call":
            return {"number": number, **self._call(name, found)}
        if kind == "load":
            self._tools[name] = found
        else:
            sys.path[:], self._deadline_s = found
        return {"number": number}

    def _call(self, name: str, arguments: Any) -> dict[str, Any]:
        from lottery_plugins.errors import ToolError
        from lottery_plugins.trajectory import ToolResult

        signal.setitimer(signal.ITIMER_REAL, self._deadline_s + _GRACE_S)  # holds where Python code can't run
        try:
            result = self._tools[name].call(arguments)
        except ToolError as error:
            result = ToolResult(str(error), error=str(error.category))
        except BaseException as error:  # noqa: BLE001 - sys.exit too: whatever it is, the parent names the tool
            return {"raised": _told(error)}
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if not isinstance(result, ToolResult):
            return {"broken": f"it returned {type(result).__name__}, not ToolResult"}
        if not all(isinstance(part, str) for part in (result.text, result.error or "", result.ran_in)):
            return {"broken": "it returned a ToolResult whose text, error or ran_in is no text"}
        return {"text": result.text, "error": result.error, "ran_in": result.ran_in}

    def _send(self, answer: dict[str, Any]) -> None:
        line = _line(answer)
        if len(line) > MAX_ANSWER_BYTES:
            line = _line({"number": answer["number"], "too_long": True})
        while line:
            line = line[os.write(self._answers, line) :]


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _told(error: BaseException) -> str:
    """An exception in one line, with the place where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    try:
        return f"{type(error).__name__}: {error}"[:2000] + place
    except Exception:  # noqa: BLE001 - its own __str__ raises
        return type(error).__name__ + place


def _end_group() -> None:
    """Kill this process and what it started, at once."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def _own_channels() -> tuple[BinaryIO, int]:
    """Stdin and stdout for ourselves alone; the tools' own are empty and stderr. Neither reaches their processes."""
    frames, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return frames, answers


def main() -> None:
    """Answer frames from stdin on stdout."""
    frames, answers = _own_channels()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_bytes(_OOM_SCORE)
    Worker(frames, answers).run()


if __name__ == "__main__":
    main()
