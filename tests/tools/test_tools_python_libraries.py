"""A program in a process can import what our own Python can, wherever it lies, and read nothing else."""

import os
import sys
import sysconfig
import venv

import pytest

from lottery_plugins.tools.sandbox.confined import library_folders
from lottery_plugins.tools.sandbox.outcome import Failure, SandboxLimits
from lottery_plugins.tools.sandbox.process import run_in_subprocess

LIMITS = SandboxLimits(timeout_s=20, max_memory_bytes=64 * 2**20, max_output_chars=1000)
PYTHONS_OWN = set(library_folders([]))


def folder(path):
    path.mkdir(parents=True)
    return path


@pytest.fixture
def far(tmp_path, monkeypatch):
    """A folder with a library, named by a .pth file of the virtual environment whose Python runs programs."""
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    packages = sysconfig.get_path("purelib", "venv", {"base": str(environment)})
    far = folder(tmp_path / "far")
    (far / "far_library.py").write_text("value = 42")
    with open(os.path.join(packages, "far.pth"), "w", encoding="utf-8") as file:
        file.write(f"{far}\n{tmp_path / 'missing'}\n")
    monkeypatch.setattr(sys, "executable", str(environment / "bin" / "python"))
    return far


@pytest.mark.skipif(os.name != "posix", reason="the process needs POSIX limits")
def test_a_library_that_a_pth_file_names_is_imported_and_its_neighbours_stay_closed(far, tmp_path):
    assert run_in_subprocess("import far_library\nfar_library.value", LIMITS) == "42"
    assert run_in_subprocess(f"open({str(far / 'far_library.py')!r}).read()", LIMITS) == "value = 42"
    for name in ("near", "far-too"):
        secret = folder(tmp_path / name) / "secret"
        secret.write_text("hunter2")
        outcome = run_in_subprocess(f"open({str(secret)!r}).read()", LIMITS)
        assert isinstance(outcome, Failure)
        assert outcome.category == "denied"


def test_only_folders_of_the_search_path_are_added(tmp_path):
    library, archive = folder(tmp_path / "library"), tmp_path / "archive.zip"
    archive.touch()
    added = set(library_folders([str(library), str(archive), str(tmp_path / "missing")])) - PYTHONS_OWN
    assert added == {os.path.join(os.path.realpath(library), "")}


def test_the_current_folder_and_those_above_it_are_never_added(tmp_path, monkeypatch):
    here = folder(tmp_path / "work" / "here")
    monkeypatch.chdir(here)
    assert set(library_folders(["", ".", "..", str(here), str(tmp_path), os.sep])) == PYTHONS_OWN
    below = folder(here / "below")
    assert set(library_folders([str(below)])) - PYTHONS_OWN == {os.path.join(os.path.realpath(below), "")}
