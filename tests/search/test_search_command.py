"""`lottery search` from a study file to the held-out verdict, on a tiny model: the file of the docs, made small."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from lottery_plugins.cli import main
from lottery_plugins.errors import MissingExtraError
from lottery_plugins.harness.kept_models import keep_models
from lottery_plugins.harness.study import HarnessRun
from lottery_plugins.search import lm_eval_runs, trials, worker

TASK = "lottery_arithmetic"
DOCS = Path(__file__).resolve().parents[2] / "docs" / "search.md"


@pytest.fixture
def study(tiny_model, tmp_path, monkeypatch):
    """The docs' study on one of its tasks with a handful of documents; the ticket that is seen whole is accepted."""
    monkeypatch.setenv("LOTTERY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    written = yaml.safe_load(re.search(r"```yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)[1])
    written["original"]["pretrained"] = tiny_model
    written["tasks"] = [TASK]
    written["space"]["augmentation"]["helped"] = {TASK: written["space"]["augmentation"]["helped"][TASK]}
    written |= {"documents": 3, "held_out": 2, "first_rung": 2, "margin": 1.0, "accept_level": 0.5, "assurance": 0.0}
    written |= {"budget": {"trials": 1}, "metadata": {"num_docs": 12}, "batch_size": 2}
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(written), "utf-8")
    return path


def trajectories_of(folder, task):
    found = map(json.loads, (folder / "trajectories.jsonl").read_text("utf-8").splitlines())
    return {one["doc_id"] for one in found if one["task"] == task}


class InThisProcess:
    """A worker without a process of its own, which would import everything once more."""

    def __init__(self, log):
        self.asked = []

    def ask(self, what, run):
        with keep_models():
            return worker.do(what, HarnessRun(**json.loads(json.dumps(run.to_json()))))

    def close(self):
        pass


def status(*words):
    try:
        return main(list(words))
    except SystemExit as ended:
        return ended.code


def test_a_study_ends_with_a_ticket_a_verdict_and_files_and_is_not_done_twice(study, tmp_path, capsys, monkeypatch):
    pytest.importorskip("optuna")
    monkeypatch.setattr(lm_eval_runs, "WorkerProcess", InThisProcess)
    out = tmp_path / "out"
    assert status("search", str(study), "--out", str(out)) == 0
    told = capsys.readouterr().out
    assert "On the held-out documents: non_inferior" in told
    comparison = json.loads((out / "comparison.json").read_text())
    assert comparison["options"]["margins"] == {TASK: 1.0}
    assert [task["num_documents"] for task in comparison["tasks"]] == [2]
    split = json.loads((out / "split.json").read_text())
    for task, held_out in split["held_out"].items():
        for path in out.rglob(f"samples_{task}_*.jsonl"):
            seen = {json.loads(line)["doc_id"] for line in path.read_text("utf-8").splitlines()}
            assert seen == trajectories_of(path.parent, task)  # rows of the task, not numbers among the chosen ones
            assert seen <= set(held_out) if "held-out" in path.parts else not seen & set(held_out)
    recipe = (out / "ticket.txt").read_text()
    assert "lm-eval run --model lottery" in recipe
    files = {path: path.stat().st_mtime_ns for path in out.rglob("results_*.json")}

    assert status("search", str(study), "--out", str(out)) == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("results_*.json")} == files
    capsys.readouterr()
    assert status("search", "show", str(out), "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["chosen"] == shown["judged"]
    assert shown["original"]["samples"] == 3
    assert sum(trial["cost"]["samples"] > 0 for trial in shown["trials"]) == 1
    accepted = [trial for trial in shown["trials"] if trial["state"] == "accepted"]
    assert min(trial["bytes_ratio"] for trial in accepted) == next(
        trial["bytes_ratio"] for trial in accepted if trial["number"] == shown["chosen"]
    )

    written = yaml.safe_load(study.read_text())
    study.write_text(yaml.safe_dump({**written, "margin": 0.5}), "utf-8")
    assert status("search", str(study), "--out", str(out)) == 2
    assert "differs from the study that was begun" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_search_goes_on_with_what_it_has(study, tmp_path):
    pytest.importorskip("optuna")
    words = [sys.executable, "-m", "lottery_plugins.cli", "search", str(study), "--out", str(tmp_path / "out")]
    killed = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    while not list((tmp_path / "out").glob("trial-*/rung-1/**/ledger.json")):
        assert killed.poll() is None
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("results_*.json")}
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "On the held-out documents: non_inferior" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["search", "none.yaml"], "can't be read"),
        (["search", "a.yaml", "b.yaml"], "one study file"),
        (["search", "show"], "one folder"),
        (["search", "show", "nowhere"], "holds no search"),
    ],
)
def test_a_wrong_command_is_one_sentence(words, told, capsys):
    pytest.importorskip("optuna")
    assert status(*words) == 2
    assert told in capsys.readouterr().err


def test_without_optuna_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"lottery-plugins\[search\]"):
        trials.Trials(None)
