"""SIGKILL in the middle of multi-step trajectories: the same command goes on inside them."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lm_eval.api.instance import Instance

from lottery_plugins.engine.store import SampleStore
from lottery_plugins.errors import LotteryError, RunEndedError
from lottery_plugins.harness.model import LotteryLM

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


def reasoned(tiny_model, engine, sampling):
    """One run; what a random model writes is no text, so only the ids of a history give its next tokens again."""
    ours = LotteryLM(
        pretrained=tiny_model, dtype="float32", device="cpu", batch_size=2, engine=engine, max_live=3,
        reasoner="react:max_tokens=12", tools="calculator",
    )  # fmt: skip
    settings = {"until": ["\n\n"], "max_gen_toks": 12, **sampling}
    asked = [
        Instance(
            request_type="generate_until", doc={}, arguments=(f"What is {i} + {i}?", settings), idx=0,
            metadata=("a_task", i, 1),
        )
        for i in range(5)
    ]  # fmt: skip
    ours.generate_until(asked)
    assert ours.engine.name == engine
    return [
        [t.answer, t.stop_reason, *((s.kind, s.prompt, s.output, s.completion_tokens) for s in t.steps)]
        for t in ours.trajectories
    ]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("engine", "sampling", "error"),
    [
        ("packed", {"do_sample": False}, RunEndedError("stopped")),
        ("packed", {"do_sample": True, "temperature": 1.0, "seed": 3}, RunEndedError("stopped")),
        ("packed", {"do_sample": False}, RuntimeError("a plugin's fault")),  # which makes failed samples
        ("rounds", {"do_sample": False}, RunEndedError("stopped")),
    ],
)
def test_stopped_run_ends_as_if_it_had_not_been_stopped(tiny_model, tmp_path, monkeypatch, engine, sampling, error):
    monkeypatch.setenv("LOTTERY_CACHE", str(tmp_path / "whole"))
    put, kept, limit = SampleStore.put_completion, [], None

    def put_until_the_limit(self, *arguments):
        if len(kept) == limit:
            raise error
        put(self, *arguments)
        kept.append(arguments[:2])

    monkeypatch.setattr(SampleStore, "put_completion", put_until_the_limit)
    whole = reasoned(tiny_model, engine, sampling)
    num_completions = len(kept)
    assert num_completions > 10

    monkeypatch.setenv("LOTTERY_CACHE", str(tmp_path / "stopped"))
    kept.clear()
    limit = 7
    with pytest.raises(LotteryError, match=str(error)):
        reasoned(tiny_model, engine, sampling)
    limit = None
    assert reasoned(tiny_model, engine, sampling) == whole
    assert len(kept) == len(set(kept)) == num_completions
