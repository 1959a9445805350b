"""The arms of a study: real lm-eval runs on a tiny model, not done twice, and judged from the files they leave."""

import json
import shlex
import subprocess
import sys
from argparse import Namespace

import pytest

from lottery_plugins.commands import quickstart
from lottery_plugins.errors import ConfigError
from lottery_plugins.harness import model as model_module
from lottery_plugins.harness.kept_models import keep_models
from lottery_plugins.harness.study import HarnessRun, StudyError, commands_of, is_done, note_done, run_arm
from lottery_plugins.harness.worker import evaluate
from lottery_plugins.ledger import Ledger
from lottery_plugins.results.compare import compare_study
from lottery_plugins.results.comparison import STUDY_ARMS


def run(model, output, **extra):
    args = {"pretrained": model, "dtype": "float32", "max_length": 2048, **extra}
    return HarnessRun(model_args=args, tasks=["lottery_arithmetic"], output_path=str(output), limit=3, batch_size=3)


def test_arms_are_evaluated_and_compared_from_their_files(tiny_model, tmp_path):
    arms = {
        "original-plain": {},
        "compressed-plain": {"compression": "int8"},
        "compressed-augmented": {"compression": "int8", "reasoner": "program-aided", "tools": "python"},
    }
    for arm, extra in arms.items():
        evaluate(run(tiny_model, tmp_path / arm, **extra))
    comparison = compare_study({arm: tmp_path / arm for arm in arms})
    assert [task.task for task in comparison.tasks] == ["lottery_arithmetic"]
    ledgers = {
        arm: Ledger.from_json(json.loads(next((tmp_path / arm).rglob("ledger.json")).read_text())) for arm in arms
    }
    assert ledgers["compressed-plain"].weights.stored < ledgers["original-plain"].weights.stored
    assert ledgers["original-plain"].tasks["lottery_arithmetic"].lm_calls == 3
    assert ledgers["compressed-augmented"].tasks["lottery_arithmetic"].lm_calls >= 3
    assert ledgers["compressed-augmented"].run["reasoner"] == "program-aided"


def test_a_run_is_done_only_with_its_very_settings_and_files(tmp_path):
    one = run("m", tmp_path)
    assert not is_done(one)
    note_done(one)
    assert not is_done(one)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "ledger.json").write_text("{}")
    assert is_done(one)
    assert not is_done(run("other", tmp_path))


def test_finished_arm_starts_no_process(tmp_path, monkeypatch):
    one = run("m", tmp_path)
    note_done(one)
    (tmp_path / "ledger.json").write_text("{}")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("started"))
    run_arm("an-arm", [one])


@pytest.mark.parametrize(("status", "error"), [(2, StudyError), (130, KeyboardInterrupt), (-2, KeyboardInterrupt)])
def test_broken_arm_ends_the_study(tmp_path, monkeypatch, status, error):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: Namespace(returncode=status))
    with pytest.raises(error):
        run_arm("an-arm", [run("m", tmp_path)])


def test_commands_are_stock_lm_eval_lines(tmp_path):
    (line,) = commands_of([run("m", tmp_path, compression="int8+wanda:sparsity=0.3")]).splitlines()
    words = shlex.split(line)
    assert words[:4] == ["lm-eval", "run", "--model", "lottery"]
    assert "pretrained=m,dtype=float32,max_length=2048,compression=int8+wanda:sparsity=0.3" in words
    assert "--log_samples" in words


def test_plan_has_four_arms_and_compresses_two_of_them(tmp_path):
    arms = quickstart.plan("m", Namespace(out=tmp_path, compression="int4", limit=5, batch_size=2))
    assert set(arms) == set(STUDY_ARMS)
    for arm, runs in arms.items():
        assert all(("compression" in r.model_args) == arm.startswith("compressed") for r in runs)
        assert all(("reasoner" in r.model_args) == arm.endswith("augmented") for r in runs)
        assert sorted(t for r in runs for t in r.tasks) == sorted(quickstart.AUGMENTED)


@pytest.mark.parametrize("change", [{"limit": 0}, {"batch_size": 0}, {"margin": 0}, {"margin": 2}])
def test_bad_argument_of_the_quickstart_is_told_before_anything_is_done(tmp_path, change):
    args = {"model": "m", "limit": 5, "batch_size": 2, "margin": 0.05, "out": tmp_path / "o", "compression": "int4"}
    with pytest.raises(ConfigError):
        quickstart.run(Namespace(**{**args, **change}, fresh=False))
    assert not (tmp_path / "o").exists()


@pytest.mark.slow
def test_quickstart_ends_with_a_table_of_verdicts_and_does_nothing_twice(tiny_model, tmp_path):
    words = [sys.executable, "-m", "lottery_plugins.cli", "quickstart", "--model", tiny_model]
    words += ["--limit", "2", "--out", str(tmp_path / "qs")]
    first = subprocess.run(words, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    assert "lottery_needle" in first.stdout
    files = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("results_*.json")}
    assert len(files) == 8
    second = subprocess.run(words, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("results_*.json")} == files


def test_runs_on_a_kept_model_answer_and_cost_what_they_do_alone(tiny_model, tmp_path, monkeypatch):
    settings = [
        {"compression": "int8", "engine": "packed"},
        {"compression": "int8", "engine": "packed", "reasoner": "chain-of-thought:max_tokens=8"},
    ]
    loads = []
    load = model_module.load_base_model
    monkeypatch.setattr(model_module, "load_base_model", lambda *args: loads.append(args) or load(*args))
    with keep_models():
        for number, extra in enumerate(settings):
            evaluate(run(tiny_model, tmp_path / f"kept-{number}", **extra))
    assert len(loads) == 1
    for number, extra in enumerate(settings):
        evaluate(run(tiny_model, tmp_path / f"alone-{number}", **extra))
        kept, alone = (answers_and_costs(tmp_path / f"{how}-{number}") for how in ("kept", "alone"))
        assert kept == alone
    assert len(loads) == 3


def answers_and_costs(folder):
    ledger = json.loads(next(folder.rglob("ledger.json")).read_text())
    costs = {name: ledger["tasks"]["lottery_arithmetic"][name] for name in ("prompt_tokens", "cached_prompt_tokens")}
    rows = [json.loads(line) for path in folder.rglob("samples_*.jsonl") for line in path.read_text().splitlines()]
    return [row["resps"] for row in rows], costs, ledger["weights"]
