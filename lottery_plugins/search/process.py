"""The other end of `worker`: a process that is started when it is needed, and again when it died."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from lottery_plugins.harness.study import HarnessRun
from lottery_plugins.search.measure import TicketError

__all__ = ["WorkerProcess"]

_REFUSING = frozenset({"ConfigError", "PluginNotFoundError", "PluginConflictError", "MissingExtraError"})
_COMMAND = [sys.executable, "-m", "lottery_plugins.search.worker"]
_STARTS = 2
_PATIENCE_S = 10.0


class WorkerProcess:
    """One worker.

    Args:
        log: Where its stderr goes.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    def ask(self, what: str, run: HarnessRun) -> Any:
        """Have one request done. A worker that dies over it is started once more: it may have been the machine's fault.

        Args:
            what: "run" or "documents".
            run: On what.

        Raises:
            TicketError: It ended with an error, or its process died twice.
        """
        for _ in range(_STARTS):
            answer = self._asked(json.dumps({"do": what, "run": run.to_json()}))
            if answer is None:
                continue
            if "error" in answer:
                raise TicketError(answer["error"], is_refusal=answer["kind"] in _REFUSING)
            return answer["done"]
        raise TicketError(f"The worker's process died over {run.output_path}; the end of {self._log} may say why.")

    def _asked(self, line: str) -> dict[str, Any] | None:
        """The answer; None where the process died."""
        process = self._started()
        try:
            _pipe(process.stdin).write(line + "\n")
            _pipe(process.stdin).flush()
            answer = _pipe(process.stdout).readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self.close()
            return None
        return dict(json.loads(answer))

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("a", encoding="utf-8") as log:
                self._process = subprocess.Popen(
                    _COMMAND,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    start_new_session=True,  # Ctrl-C is the search's: it ends the worker in good order
                )
        return self._process

    def close(self) -> None:
        """End the process; what it has finished is on disk."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None, "started with pipes"
    return pipe
