"""How much memory of the host this process may still take."""

from __future__ import annotations

from pathlib import Path

import psutil

__all__ = ["available_bytes"]

_CGROUP = "/sys/fs/cgroup"


def available_bytes(cgroup: str = _CGROUP) -> int:
    """What the system has available, at most what the control group (version 2) has left: beyond it processes die."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = Path(cgroup, "memory.max").read_text().strip()
        used = int(Path(cgroup, "memory.current").read_text())
    except (OSError, ValueError):
        return free
    return free if limit == "max" else max(0, min(free, int(limit) - used))
