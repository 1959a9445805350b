"""The files beside lm-eval's own: whole or told, and nothing finished is lost when they can't be written."""

import json

import pytest
from lm_eval.loggers import EvaluationTracker

from lottery_plugins.engine.store import StoreError
from lottery_plugins.harness import autoload, records
from lottery_plugins.harness.model import LotteryLM
from lottery_plugins.ledger import Ledger
from lottery_plugins.trajectory import Trajectory

SAMPLE = {"arguments": [("a", {})], "resps": [["x"]], "filtered_resps": ["x"], "target": "x", "doc_hash": "h",
          "prompt_hash": "p", "target_hash": "t"}  # fmt: skip


@pytest.fixture
def tracker(tmp_path):
    autoload.attach_now()
    made = EvaluationTracker(output_path=str(tmp_path / "out"))
    made.general_config_tracker.model_name_sanitized = "m"
    return made


@pytest.fixture
def answered():
    from lm_eval.api.instance import Instance

    model = LotteryLM(base="dummy")
    settings = {"until": ["\n"], "max_gen_toks": 4}
    model.generate_until(
        [
            Instance(request_type="generate_until", doc={}, arguments=(text, settings), idx=0, metadata=("t", i, 1))
            for i, text in enumerate("ab")
        ]
    )
    model.get_model_info()
    yield model
    records._finished.clear()
    records._exported.clear()


def kept(model):
    """How many finished samples the same command would find."""
    return LotteryLM(base="dummy")._begin().begin()


def test_trajectories_and_ledger_lie_beside_lm_evals_files(tracker, answered, tmp_path):
    tracker.save_results_aggregated({"results": {}}, None)
    (ledger_file,) = tmp_path.rglob("ledger.json")
    ledger = Ledger.from_json(json.loads(ledger_file.read_text()))
    (results_file,) = tmp_path.rglob("results_*.json")
    assert ledger.run["results_file"] == results_file.name
    assert ledger.tasks["t"].problems == 2
    assert ledger.run["plugins"][0]["distribution"] == "lottery-plugins"
    lines = (ledger_file.parent / "trajectories.jsonl").read_text().splitlines()
    assert [Trajectory.from_json(json.loads(line)).answer for line in lines] == ["lol", "lol"]
    assert kept(answered) == 0


def test_resume_file_goes_when_all_is_written(tracker, answered):
    tracker.save_results_aggregated({"results": {}}, None)
    tracker.save_results_samples("t", [SAMPLE, SAMPLE])
    assert answered.store.path.exists()
    records.drop_resume_files()
    assert not answered.store.path.exists()


def test_results_that_lm_eval_could_not_write_are_told_and_samples_kept(tracker, answered, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(StoreError, match="did not write"):
        tracker.save_results_aggregated({"results": {}}, None)
    monkeypatch.undo()
    monkeypatch.setenv("LOTTERY_CACHE", str(answered.store.path.parents[1]))
    assert kept(answered) == 2


def test_half_a_results_file_is_told(tracker, answered, monkeypatch):
    from pathlib import Path

    whole = Path.write_text
    monkeypatch.setattr("pathlib.Path.write_text", lambda self, text, **k: whole(self, text[:5], **k))
    with pytest.raises(StoreError, match="can't be written"):
        tracker.save_results_aggregated({"results": {}}, None)


def test_missing_samples_are_told_and_kept(tracker, answered, tmp_path):
    tracker.save_results_aggregated({"results": {}}, None)
    (results_file,) = tmp_path.rglob("results_*.json")
    half = results_file.with_name("samples_t_x.jsonl")
    half.write_text('{"a": 1}\n{"b"')
    with pytest.raises(StoreError, match="1 of 2 samples"):
        records.check_samples(half, 2)
    assert kept(answered) == 2


def test_observers_hear_of_the_finished_run(tracker, answered, monkeypatch, tmp_path):
    heard = []
    observers = answered.assembly.registry.observers
    monkeypatch.setattr(observers, "run_finished", lambda ledger, folder: heard.append((ledger["schema"], folder)))
    tracker.save_results_aggregated({"results": {}}, None)
    assert heard == [(1, tmp_path / "out" / "m")]
