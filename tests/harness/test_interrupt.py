"""Stopping a real `lm-eval run` in the middle: Ctrl-C says so, SIGKILL can't, and both go on where they stopped."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def start(model, cache, output, engine):
    settings = f"pretrained={model},reasoner=chain-of-thought,max_new_tokens=300,max_live=4,engine={engine}"
    words = [sys.executable, "-m", "lm_eval", "run", "--model", "lottery", "--model_args", settings]
    words += ["--tasks", "lottery_arithmetic", "--limit", "40", "--batch_size", "2", "--output_path", str(output)]
    environment = {**os.environ, "LOTTERY_CACHE": str(cache), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def num_finished(cache):
    files = list(cache.glob("unfinished/*.sqlite"))
    if not files:
        return 0
    try:
        with sqlite3.connect(files[0]) as db:
            return db.execute("SELECT COUNT(*) FROM samples").fetchone()[0]
    except sqlite3.OperationalError:  # the table is just being made
        return 0


@pytest.mark.parametrize("engine", ["rounds", "packed"])
@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_stopped_run_goes_on_where_it_stopped(tiny_model, tmp_path, stop, status, engine):
    cache, output = tmp_path / "cache", tmp_path / "out"
    first = start(tiny_model, cache, output, engine)
    while num_finished(cache) < 4 and first.poll() is None:
        time.sleep(0.05)
    first.send_signal(stop)
    _, told = first.communicate(timeout=120)
    assert first.returncode == status, told
    assert "Traceback" not in told
    if stop is signal.SIGINT:
        assert "the same command goes on where it stopped" in told
    kept = num_finished(cache)
    assert 4 <= kept < 40
    second = start(tiny_model, cache, output, engine)
    _, told = second.communicate(timeout=300)
    assert second.returncode == 0, told
    assert f"{kept} of 40 samples were finished by an earlier run" in told
    (ledger,) = output.rglob("ledger.json")
    assert json.loads(ledger.read_text())["tasks"]["lottery_arithmetic"]["problems"] == 40
    assert num_finished(cache) == 0
