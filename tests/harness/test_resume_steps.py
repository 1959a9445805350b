"""SIGKILL in the middle of multi-step trajectories: the same command goes on inside them."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("run_scripted.py")
TURNS = 16 * 5  # problems, repeats counted, times completions


def start(log, answers):
    words = [sys.executable, str(PROGRAM), str(log), str(answers)]
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True)


def batches(log):
    """What the model was given, batch by batch; a repeat's prompt is that of its twin."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.mark.timeout(120)
def test_killed_run_goes_on_inside_its_trajectories(tmp_path):
    log, answers = tmp_path / "log", tmp_path / "answers.json"
    first = start(log, answers)
    while len(batches(log)) < 9 and first.poll() is None:
        time.sleep(0.005)
    first.kill()
    first.communicate(timeout=60)
    assert first.returncode == -signal.SIGKILL
    before = batches(log)
    second = start(log, answers)
    _, told = second.communicate(timeout=60)
    assert second.returncode == 0, told
    assert "completions of unfinished samples are taken from" in told

    given = sum(map(len, batches(log)))
    assert TURNS <= given <= TURNS + len(before[-1])  # of all, only the batch that was cut off was computed again
    other = start(tmp_path / "other_log", tmp_path / "whole.json")
    other.communicate(timeout=60)
    whole = json.loads((tmp_path / "whole.json").read_text())
    assert json.loads(answers.read_text()) == whole
    assert [found[:3] for found in whole] == [[i, s, str((17 + i) * 5)] for i in range(8) for s in range(2)]
    assert sum(map(len, batches(tmp_path / "other_log"))) == TURNS
