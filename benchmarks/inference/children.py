"""Measurements run in processes of their own: each starts clean, and its peak memory is its own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["ChildError", "in_child", "peak_bytes"]

_MAIN = Path(__file__).with_name("__main__.py")


class ChildError(Exception):
    """A measurement failed; the last line that it printed."""


def in_child(name: str, settings: dict[str, Any], threads: int) -> dict[str, Any]:
    """Run a measurement of `measurements.MEASUREMENTS` in a new process and return what it found.

    Raises:
        ChildError: It failed.
    """
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    environment |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "TRANSFORMERS_VERBOSITY": "error"}
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "result.json")
        command = [sys.executable, str(_MAIN), "--measure", name, json.dumps(settings), str(result)]
        done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0 or not result.is_file():
            lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit status {done.returncode}"]
            if os.environ.get("LOTTERY_BENCH_DEBUG"):
                sys.stderr.write(done.stderr)
            raise ChildError(lines[-1])
        found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return found


def peak_bytes() -> int:
    """Most memory that this process has had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
