"""Running a program in a CPython process with limits, for what the sandbox lacks; only when the user asked for it.

The limits stop accidents: time, memory, output, files, network, other programs. They are no barrier for an attacker,
since the program runs with our user's rights.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

from lottery_plugins.tools.sandbox import confined
from lottery_plugins.tools.sandbox.outcome import Failure, SandboxLimits, output_failure, raised, timed_out

__all__ = ["run_in_subprocess"]

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""All the program gets to see; one thread each, so that BLAS does not reserve memory per core."""


def run_in_subprocess(code: str, limits: SandboxLimits) -> str | Failure:
    """What the program printed, else the value of its last expression; from any thread.

    The process has a session of its own and an empty folder, and is killed, with its children, at the deadline.
    """
    room = tempfile.TemporaryDirectory(prefix="lottery-", ignore_cleanup_errors=True)
    with room as folder, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        program = Path(folder, "program.py")
        program.write_text(code, encoding="utf-8")
        process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-B", confined.__file__, str(program)),
                *(str(limits.timeout_s), str(limits.max_memory_bytes), str(limits.max_output_chars)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=folder,
            env={**ENVIRONMENT, "HOME": folder, "TMPDIR": folder},
            start_new_session=True,
        )
        try:
            status: int | None = process.wait(limits.timeout_s + confined.START_SECONDS)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _kill_group(process)
        return _outcome(status, _start_of(out, 4 * limits.max_output_chars + 4), _end_of(err), limits)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _start_of(file: BinaryIO, max_bytes: int) -> str:
    file.seek(0)
    return file.read(max_bytes).decode("utf-8", "replace")


def _end_of(file: BinaryIO) -> str:
    """The last 4 kB: where a traceback says what happened."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 4096))
    return file.read().decode("utf-8", "replace")


def _outcome(status: int | None, output: str, errors: str, limits: SandboxLimits) -> str | Failure:
    if status is None or status in (-signal.SIGALRM, -signal.SIGXCPU):
        return timed_out(limits)
    if len(output) > limits.max_output_chars:
        return output_failure(output, limits)
    if status == 0:
        return output.strip()
    if status < 0:
        return Failure(f"the program was stopped by signal {-status}", "crashed", "Send another program.")
    kind, _, message = (errors.strip().rsplit("\n", 1)[-1]).partition(": ")
    name = kind.rsplit(".", 1)[-1]
    if not name.isidentifier():
        return Failure(f"the program ended with exit status {status}", "crashed", "Correct the program.")
    lines = re.findall(r'File "program", line (\d+)', errors)
    return raised(name, message, int(lines[-1]) if lines else None, limits)
