"""How many threads PyTorch computes with."""

from __future__ import annotations

import math
import os
from pathlib import Path

import torch

__all__ = ["set_threads", "usable_cores"]

_CPU = "/sys/devices/system/cpu"
_CGROUP = "/sys/fs/cgroup"


def usable_cores(sysfs: str = _CPU, cgroup: str = _CGROUP) -> int:
    """Physical cores that this process may use: those of its affinity, at most what its control group may use at once.

    Two hyperthreads of one core share its arithmetic units and only get in each other's way in a matrix product; a
    thread beyond the group's quota makes all others wait for the next period. PyTorch's own default knows neither.
    """
    own = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = {_siblings(sysfs, cpu) for cpu in own}
    quota = _quota(cgroup)
    return max(1, len(cores) if math.isinf(quota) else min(len(cores), math.ceil(quota)))


def _siblings(sysfs: str, cpu: int) -> str:
    """The hyperthreads of the core that a CPU belongs to; the CPU itself where the system doesn't tell."""
    try:
        return Path(sysfs, f"cpu{cpu}", "topology", "thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)


def _quota(cgroup: str) -> float:
    """CPUs that the control group (version 2) may use at once; infinity where there is no limit."""
    try:
        quota, period = Path(cgroup, "cpu.max").read_text().split()
        return math.inf if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return math.inf


def set_threads(threads: int | None) -> int:
    """Set PyTorch's number of threads, once, before anything is measured.

    Args:
        threads: None: what OMP_NUM_THREADS says, else one per usable core.

    Returns:
        The number set.
    """
    if threads is None and os.environ.get("OMP_NUM_THREADS", "").isdigit():
        threads = int(os.environ["OMP_NUM_THREADS"])
    chosen = max(1, threads if threads is not None else usable_cores())
    if chosen != torch.get_num_threads():
        torch.set_num_threads(chosen)
    return chosen
