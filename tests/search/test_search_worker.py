"""The worker's process: started when needed, again when it died, gone with the search; and what its runs leave."""

import json
import os
import signal
import sys
import textwrap

import pytest

from lottery_plugins.harness.study import HarnessRun
from lottery_plugins.search import process
from lottery_plugins.search.measure import TicketError

STAND_IN = """
    import json, os, pathlib, sys
    for line in sys.stdin:
        run = json.loads(line)["run"]["model_args"]
        if run.get("kind"):
            print(json.dumps({"error": "it says why", "kind": run["kind"]}), flush=True)
            continue
        grave = pathlib.Path(run["grave"])
        deaths = int(grave.read_text()) if grave.exists() else 0
        if deaths < run["deaths"]:
            grave.write_text(str(deaths + 1))
            os._exit(1)
        print(json.dumps({"done": os.getpid()}), flush=True)
"""


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """A process that speaks as the worker does."""
    script = tmp_path / "stand_in.py"
    script.write_text(textwrap.dedent(STAND_IN))
    monkeypatch.setattr(process, "_COMMAND", [sys.executable, str(script)])
    made = process.WorkerProcess(tmp_path / "logs" / "worker.log")
    yield made
    made.close()


def run(tmp_path, **arguments):
    arguments = {"grave": str(tmp_path / "grave"), "deaths": 0, **arguments}
    return HarnessRun(model_args=arguments, tasks=["t"], output_path="out")


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_process_does_all_runs_and_ends_with_the_search(worker, tmp_path):
    first, second = (worker.ask("run", run(tmp_path)) for _ in range(2))
    assert first == second
    worker.close()
    assert not is_running(first)


def test_a_process_that_dies_is_started_once_more(worker, tmp_path):
    assert worker.ask("run", run(tmp_path, deaths=1)) > 0
    assert (tmp_path / "grave").read_text() == "1"


def test_a_run_that_kills_its_process_again_and_again_fails(worker, tmp_path):
    with pytest.raises(TicketError, match="died over out") as failed:
        worker.ask("run", run(tmp_path, deaths=9))
    assert not failed.value.is_refusal
    assert (tmp_path / "grave").read_text() == "2"


@pytest.mark.parametrize(("kind", "is_refusal"), [("ConfigError", True), ("RuntimeError", False)])
def test_an_error_is_told_with_what_it_means(worker, tmp_path, kind, is_refusal):
    with pytest.raises(TicketError, match="it says why") as failed:
        worker.ask("run", run(tmp_path, kind=kind))
    assert failed.value.is_refusal is is_refusal


def test_a_killed_process_is_replaced_at_the_next_run(worker, tmp_path):
    pid = worker.ask("run", run(tmp_path))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    worker._process.returncode = -9
    assert worker.ask("run", run(tmp_path)) != pid


def test_chosen_samples_stand_in_the_stock_command():
    words = HarnessRun(
        model_args={}, tasks=["t"], output_path="o", samples={"t": [3, 7]}, include_path="mine"
    ).command()
    assert json.loads(words[words.index("--samples") + 1]) == {"t": [3, 7]}
    assert words[words.index("--include_path") + 1] == "mine"
    assert "--limit" not in words
