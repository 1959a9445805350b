"""What the machine itself can tell of a run: memory and energy. What it can't tell is None, never an estimate.

Energy comes from counters that run for everybody on the machine: of a CUDA device through NVML (`pip install
nvidia-ml-py`), of the processors through RAPL, where the system lets this user read it (`/sys/class/powercap`).
"""

from __future__ import annotations

import platform
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["Counter", "EnergyMeter", "Peak", "counters", "peak_memory"]

_POWERCAP = Path("/sys/class/powercap")
_LOOK_S = 30.0  # a RAPL counter begins anew after some minutes of full load


@dataclass(frozen=True, slots=True)
class Peak:
    """Highest memory so far.

    Attributes:
        num_bytes: None where nothing can tell.
        of: "cuda:0" or "process".
    """

    num_bytes: int | None
    of: str


def peak_memory(device: str = "cpu") -> Peak:
    """The peak of the device where the model is, or of this process when it is on none."""
    torch: Any = sys.modules.get("torch")
    if device.startswith("cuda") and torch is not None:
        return Peak(int(torch.cuda.max_memory_allocated(device)), device)
    try:
        import resource
    except ImportError:  # not on Windows
        return Peak(None, "process")
    unit = 1 if platform.system() == "Darwin" else 1024
    return Peak(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, "process")


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter of energy.

    Attributes:
        name: "NVML cuda:0", "RAPL package-0".
        read: Joules since some time in the past.
        wraps_at: Joules after which it begins anew; None: never.
    """

    name: str
    read: Callable[[], float]
    wraps_at: float | None = None


def counters(device: str = "cpu", powercap: Path = _POWERCAP) -> list[Counter]:
    """All counters that can be read here: of the device, and of the processors."""
    return [*_of_device(device), *_of_processors(powercap)]


def _of_device(device: str) -> list[Counter]:
    torch: Any = sys.modules.get("torch")
    if not device.startswith("cuda") or torch is None:
        return []
    try:
        pynvml: Any = import_module("pynvml")
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
        uuid = str(torch.cuda.get_device_properties(device).uuid)  # numbers differ under CUDA_VISIBLE_DEVICES
        handle = pynvml.nvmlDeviceGetHandleByUUID(uuid if uuid.startswith("GPU-") else f"GPU-{uuid}")
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except (pynvml.NVMLError, AttributeError):  # an old device or driver
        return []
    return [Counter(f"NVML {device}", lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000)]


def _of_processors(powercap: Path) -> list[Counter]:
    found = []
    for zone in sorted(powercap.glob("intel-rapl:*")):
        if zone.name.count(":") > 1:  # a part of a package, which the package counts
            continue
        try:
            name = (zone / "name").read_text(encoding="utf-8").strip()
            limit = int((zone / "max_energy_range_uj").read_text(encoding="utf-8")) / 1e6
            (zone / "energy_uj").read_text(encoding="utf-8")
        except (OSError, ValueError):  # readable by root alone on many systems
            continue
        if name.startswith("package"):
            found.append(Counter(f"RAPL {name}", lambda file=zone / "energy_uj": _joules(file), limit))  # type: ignore[misc]
    return found


def _joules(file: Path) -> float:
    return int(file.read_text(encoding="utf-8")) / 1e6


@dataclass(slots=True)
class EnergyMeter:
    """Sums what some counters gain from `start` to `read`.

    A thread looks at them twice a minute, so that none begins anew unseen.

    Args:
        counters: As from `counters`.
    """

    counters: Sequence[Counter]
    _last: list[float] = field(default_factory=list)
    _gained: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def names(self) -> str:
        """What is measured; "" for nothing."""
        return ", ".join(counter.name for counter in self.counters)

    def start(self) -> None:
        """Count from here on."""
        self._stop.set()  # the thread of an earlier start
        with self._lock:
            self._last, self._stop = [c.read() for c in self.counters], threading.Event()
            self._gained = [0.0] * len(self._last)
        if any(counter.wraps_at for counter in self.counters):
            threading.Thread(target=self._watch, args=(self._stop,), daemon=True).start()

    def read(self) -> float | None:
        """Joules since `start`; None where there is no counter, or before `start`."""
        if not self._last:
            return None
        self._look()
        return sum(self._gained)

    @property
    def by_counter(self) -> dict[str, float]:
        """The joules that were read last, counter by counter."""
        return {counter.name: joules for counter, joules in zip(self.counters, self._gained, strict=False)}

    def stop(self) -> float | None:
        """What `read` gives, and the end of counting."""
        joules = self.read()
        self._stop.set()
        return joules

    def _watch(self, stop: threading.Event) -> None:
        while not stop.wait(_LOOK_S):
            self._look()

    def _look(self) -> None:
        with self._lock:
            for i, counter in enumerate(self.counters):
                now = counter.read()
                gained = now - self._last[i]
                if gained < 0 and counter.wraps_at is not None:
                    gained += counter.wraps_at
                self._gained[i] += gained
                self._last[i] = now
