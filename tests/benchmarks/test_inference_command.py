"""The command `python benchmarks/inference`, all parts, on a tiny model."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(__file__).resolve().parents[2] / "benchmarks" / "inference"


def run(*arguments):
    return subprocess.run([sys.executable, COMMAND, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_parts_run_and_leave_a_table_a_plot_and_all_they_measured(tiny_model, tmp_path):
    options = ["--quick", "--threads", "1", "--latency-scale", "0.01", "--ways", "naive", "lottery"]
    done = run("--model", tiny_model, "--output", tmp_path, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    for part in ("load", "one-step", "tools", "scheduler", "memory", "growth"):
        found = json.loads((tmp_path / f"{part}.json").read_text(encoding="utf-8"))
        assert found["measured"]
        assert found["versions"]["torch"]
        assert list(tmp_path.glob(f"{part}*.svg"))
    assert "DIFFER" not in done.stdout


def test_unknown_part_is_refused_with_those_there_are():
    done = run("laod")
    assert done.returncode == 2
    assert "no part named 'laod'" in done.stderr
    assert "one-step" in done.stderr
