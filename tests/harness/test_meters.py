"""Memory and energy: what is read is what the machine's counters say, and nothing is said where there are none."""

import sys
from types import SimpleNamespace

import pytest

from lottery_plugins.harness.meters import Counter, EnergyMeter, counters, peak_memory


@pytest.fixture
def powercap(tmp_path):
    """A machine with two packages, a part of one, and a zone that is none."""
    for zone, name, joules in (("0", "package-0", 5), ("1", "package-1", 7), ("0:0", "core", 3), ("2", "psys", 20)):
        folder = tmp_path / f"intel-rapl:{zone}"
        folder.mkdir()
        (folder / "name").write_text(f"{name}\n")
        (folder / "max_energy_range_uj").write_text("100000000\n")
        (folder / "energy_uj").write_text(f"{joules}000000\n")
    return tmp_path


def spend(powercap, zone, joules):
    (powercap / f"intel-rapl:{zone}" / "energy_uj").write_text(f"{round(joules * 1e6)}\n")


def test_packages_are_summed_and_their_parts_are_not(powercap):
    meter = EnergyMeter(counters(powercap=powercap))
    assert meter.names == "RAPL package-0, RAPL package-1"
    meter.start()
    spend(powercap, "0", 6.5)
    spend(powercap, "1", 9)
    assert meter.stop() == pytest.approx(3.5)


def test_a_counter_that_began_anew_loses_nothing(powercap):
    meter = EnergyMeter(counters(powercap=powercap))
    spend(powercap, "0", 99)
    meter.start()
    spend(powercap, "0", 2)
    assert meter.stop() == pytest.approx(3)


def test_each_start_counts_from_zero(powercap):
    meter = EnergyMeter(counters(powercap=powercap))
    meter.start()
    spend(powercap, "0", 8)
    meter.start()
    spend(powercap, "0", 8.25)
    assert meter.stop() == pytest.approx(0.25)


def test_without_counters_nothing_is_measured(tmp_path):
    meter = EnergyMeter(counters(powercap=tmp_path / "nowhere"))
    meter.start()
    assert (meter.names, meter.stop()) == ("", None)
    (tmp_path / "intel-rapl:0").mkdir()
    (tmp_path / "intel-rapl:0" / "name").write_text("package-0")  # and no energy_uj: not for this user
    assert counters(powercap=tmp_path) == []


def test_before_the_start_nothing_is_measured():
    assert EnergyMeter([Counter("x", lambda: 3.0)]).read() is None


def test_a_device_is_read_by_its_own_identity(monkeypatch, tmp_path):
    asked, spent = [], iter([1000, 2500, 4000])
    nvml = SimpleNamespace(
        NVMLError=RuntimeError,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda uuid: asked.append(uuid) or "handle",
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: next(spent),
    )
    cuda = SimpleNamespace(
        get_device_properties=lambda device: SimpleNamespace(uuid="1234"), max_memory_allocated=lambda device: 77
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    meter = EnergyMeter(counters("cuda:1", powercap=tmp_path))
    meter.start()
    assert (asked, meter.names, meter.stop()) == (["GPU-1234"], "NVML cuda:1", 1.5)
    assert (peak_memory("cuda:1").num_bytes, peak_memory("cuda:1").of) == (77, "cuda:1")


def test_the_peak_of_a_process_covers_what_it_holds():
    held = bytearray(50_000_000)
    peak = peak_memory()
    assert peak.of == "process"
    assert peak.num_bytes is None or peak.num_bytes > len(held)
