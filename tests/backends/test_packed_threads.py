"""The number of threads follows the cores that this process may use."""

import os

import pytest
import torch

from lottery_plugins.backends.packed.threads import set_threads, usable_cores


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Four CPUs, two of them the second hyperthreads of the others, and a control group."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    for cpu in range(4):
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{cpu % 2},{cpu % 2 + 2}\n")
    return tmp_path


@pytest.fixture
def _threads_restored():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("quota", "cores"), [("max 100000", 2), ("100000 100000", 1), ("150000 100000", 2), ("10000 100000", 1), ("x", 2)]
)
def test_hyperthreads_are_one_core_and_the_quota_is_kept(machine, quota, cores):
    (machine / "cpu.max").write_text(quota)
    assert usable_cores(str(machine), str(machine)) == cores


def test_a_machine_that_tells_nothing_has_its_affinity(machine, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert usable_cores("/nowhere", "/nowhere") == 3


@pytest.mark.usefixtures("_threads_restored")
def test_the_users_number_comes_first_then_the_environments(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert set_threads(2) == torch.get_num_threads() == 2
    assert set_threads(None) == torch.get_num_threads() == 1
