"""`lottery train-verifier`, from a folder as lm-eval leaves it to a verifier that a run takes or refuses."""

import asyncio
import hashlib
import json

import pytest
from lm_eval.api.instance import Instance

from lottery_plugins.cli import main
from lottery_plugins.errors import ConfigError
from lottery_plugins.harness.model import LotteryLM
from lottery_plugins.harness.reading import model_arguments_of, parse_model_args
from lottery_plugins.reasoning.services import ProblemServices
from lottery_plugins.testing.fakes import fake_problem
from lottery_plugins.verifiers.classifier import read_classifier

DATE = "2026-11-21T23-30-19.500876"
NUM = 60


def write_run(folder, model_args, right=lambda i: i % 2):
    """A run in which the right answers are all "aaaa" and the wrong ones "zzzz"."""
    folder.mkdir()
    config = {"task": "t", "output_type": "generate_until", "metric_list": [{"metric": "acc"}], "metadata": {}}
    data = {
        "results": {"t": {"alias": "t"}},
        "configs": {"t": config},
        "higher_is_better": {"t": {"acc": True}},
        "config": {"model": "lottery", "model_args": model_args},
    }
    (folder / f"results_{DATE}.json").write_text(json.dumps(data))
    rows = [
        {
            "doc_id": i,
            "doc": {},
            "arguments": {"gen_args_0": {"arg_0": f"Question {i}:"}},
            "resps": [["aaaa" if right(i) else "zzzz"]],
            "filter": "none",
            "metrics": ["acc"],
            "doc_hash": hashlib.sha256(str(i).encode()).hexdigest(),
            "acc": float(right(i)),
        }
        for i in range(NUM)
    ]
    (folder / f"samples_t_{DATE}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder)


@pytest.fixture
def model_args(tiny_model):
    return {"pretrained": tiny_model, "dtype": "float32", "device": "cpu", "batch_size": 2}


@pytest.fixture
def run_folder(tmp_path, model_args):
    return write_run(tmp_path / "run", {**model_args, "reasoner": "react", "tools": "python", "engine": "packed"})


def test_a_verifier_is_trained_measured_and_used(run_folder, model_args, tmp_path, capsys):
    out = tmp_path / "verifier.json"
    assert main(["train-verifier", run_folder, "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "auc of prompt alone" in told
    card = read_classifier(out).card
    assert card.metrics["auc"] == (1.0, 1.0, 1.0)
    assert card.metrics["auc_of_prompt_alone"][1] < 0.9
    assert (card.num_train + card.num_held_out, card.tasks) == (NUM, ("t",))
    assert "pretrained=" in card.model
    assert "reasoner" not in card.model

    settings = {**model_args, "resume": False, "reasoner": "chain-of-thought", "verifier": f"hidden-state:file={out}"}
    lm = LotteryLM(**settings, engine="packed:kv_cache_gb=0.02")
    run = lm.assembly.facilities(lm.engine.front(False), hidden=lm.engine.hidden_states(False))

    async def scores():
        services = ProblemServices(fake_problem("7:"), run)
        return [(await services.verify(answer)).score for answer in ("aaaa", "zzzz")]

    good, bad = asyncio.run(scores())
    assert good > 0.5 > bad
    with pytest.raises(ConfigError, match="cosine"):
        LotteryLM(**{**settings, "compression": "int4"})
    assert LotteryLM(**{**settings, "compression": "int4", "verifier": settings["verifier"] + ":other_model=true"})


def test_a_verifier_is_trained_on_the_model_that_is_named(run_folder, tiny_model, tmp_path):
    out = tmp_path / "v.json"
    words = ["--model", tiny_model, "--model-args", "dtype=float32,device=cpu,compression=int8", "--no-control"]
    assert main(["train-verifier", run_folder, "--out", str(out), "--limit", "50", *words]) == 0
    card = read_classifier(out).card
    assert card.model == f"compression=int8,device=cpu,dtype=float32,pretrained={tiny_model}"
    assert "auc_of_prompt_alone" not in card.metrics


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--kind", "svm"], "--kind: got 'svm'"),
        (["--held-out", "0.9"], "--held-out"),
        (["--limit", "0"], "--limit"),
        (["--task", "u"], "--task: got 'u'"),
        (["--metric", "f1"], "--metric"),
        (["--limit", "10"], "right answers to 5 documents. At least 10 are needed"),
        (["--out", "/nowhere/v.json"], "--out"),
        (["--model", "./nowhere"], "is not a folder"),
        (["--model-args", "dtype"], "--model-args"),
        (["--model-args", "dtype=float33"], "dtype: got 'float33'"),
        (["--model-args", "compression=int9"], "int9"),
    ],
)
def test_bad_input_is_one_sentence(run_folder, tmp_path, words, told, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train-verifier", run_folder, "--out", str(tmp_path / "v.json"), *words])
    assert ended.value.code == 2
    error = capsys.readouterr().err.strip()
    assert told in error
    assert "Traceback" not in error
    assert not (tmp_path / "v.json").exists()


def test_a_run_of_right_answers_alone_is_told(tmp_path, model_args, capsys):
    folder = write_run(tmp_path / "run", model_args, right=lambda i: True)
    with pytest.raises(SystemExit):
        main(["train-verifier", folder, "--out", str(tmp_path / "v.json")])
    told = capsys.readouterr()
    assert "wrong answers to 0 documents" in told.err
    assert "Loading" not in told.out


def test_arguments_that_make_the_model_are_kept():
    given = {"pretrained": "m", "dtype": "float32", "compression": "int8", "reasoner": "react", "max_calls": 3}
    assert model_arguments_of("lottery", given) == {"pretrained": "m", "dtype": "float32", "compression": "int8"}
    assert model_arguments_of("hf", {"pretrained": "m", "batch_size": 4}) == {"pretrained": "m", "batch_size": 4}
    assert model_arguments_of("gguf", {"pretrained": "m"}) == {"pretrained": "m", "base": "gguf"}
    assert parse_model_args("a=1,b=true") == {"a": 1, "b": True}


def test_an_engine_elsewhere_is_refused_before_any_problem(run_folder, tmp_path, tiny_model, monkeypatch):
    out = tmp_path / "verifier.json"
    assert main(["train-verifier", run_folder, "--out", str(out), "--no-control"]) == 0
    with pytest.raises(ConfigError, match="tells no hidden states"):
        LotteryLM(base="dummy", reasoner="chain-of-thought", verifier=f"hidden-state:file={out}")


def test_a_request_is_answered_with_the_verifier_in_place(run_folder, model_args, tmp_path):
    out = tmp_path / "verifier.json"
    main(["train-verifier", run_folder, "--out", str(out), "--no-control"])
    lm = LotteryLM(
        **model_args, resume=False, reasoner="chain-of-thought", verifier=f"hidden-state:file={out}", max_new_tokens=9
    )
    gen = {"until": ["\n"], "do_sample": False, "max_gen_toks": 4}
    request = Instance(request_type="generate_until", doc={}, arguments=("x", gen), idx=0, metadata=("t", 0, 1))
    assert len(lm.generate_until([request])) == 1
