"""What a ticket is run with, what it is saved with, and what it cost: from points and ledgers to commands."""

import shlex

from search_plans import plan

from lottery_plugins.ledger import Counters, Ledger, WeightBytes
from lottery_plugins.search.lm_eval_runs import _cost, runs_of
from lottery_plugins.search.measure import Job
from lottery_plugins.search.recipe import recipe

SNAP = ["int8", {"snapkv": {"compression_ratio": 0.5}}]


def made(**more):
    original = {"pretrained": "org/model", "dtype": "float32"}
    helped = {"two": {"retriever": "bm25", "reasoner": "react"}}
    space = {"compression": ["none", "int8", SNAP], "augmentation": {"plain": None, "helped": helped}}
    return plan(original=original, space=space, **more)


def ticket_of(compression, augmentation):
    return made().ticket_at({"compression": compression, "augmentation": augmentation})


def test_tasks_with_the_same_arguments_are_one_run_on_their_own_documents(tmp_path):
    documents = {"one": (7, 3), "two": (5,)}
    (together,) = runs_of(made(), Job(ticket_of("int8", "plain"), documents, "trial-0001/rung-1"), tmp_path)
    assert (together.tasks, together.samples) == (["one", "two"], {"one": [3, 7], "two": [5]})
    assert together.output_path == str(tmp_path / "trial-0001/rung-1/one+1")
    apart = runs_of(made(), Job(ticket_of("int8", "helped"), documents, "trial-0002/rung-1"), tmp_path)
    assert [run.tasks for run in apart] == [["one"], ["two"]]
    assert apart[1].model_args["reasoner"] == "react"


def test_the_weights_are_saved_by_the_methods_that_change_them():
    text = recipe(made(), ticket_of("int8+snapkv:compression_ratio=0.5", "plain"))
    (line,) = [line for line in text.splitlines() if line.startswith("lottery compress")]
    command, _, note = line.partition("  # ")
    assert shlex.split(command) == [
        "lottery",
        "compress",
        "org/model",
        "--compression",
        "int8",
        "--dtype",
        "float32",
        "--out",
        "ticket",
    ]
    assert note == "and compression=snapkv:compression_ratio=0.5 at run time"
    assert "compression=int8+snapkv:compression_ratio=0.5" in text.splitlines()[3]


def test_a_ticket_without_compression_has_nothing_to_save():
    text = recipe(made(), ticket_of("none", "helped"))
    assert "lottery compress" not in text
    assert text.count("lm-eval run") == 2


def test_the_cost_counts_all_models_that_answering_takes():
    counters = Counters(
        problems=2, lm_calls=3, prompt_tokens=50, cached_prompt_tokens=20, generated_tokens=7, forwarded_tokens=30,
        proxy_calls=1, proxy_prompt_tokens=10, proxy_generated_tokens=4,
    )  # fmt: skip
    ledger = Ledger(
        weights=WeightBytes(stored=1000), proxy={"weights": {"stored": 200}}, verifier={"weight_bytes": 30},
        tasks={"one": counters, "scored": Counters(problems=2, forwarded_tokens=90)},
    )  # fmt: skip
    assert (_cost(ledger, "one", 2).tokens, _cost(ledger, "one", 2).bytes) == (50 + 7 + 10 + 4, 1230)
    assert _cost(ledger, "scored", 2).tokens == 90


def test_what_was_not_measured_is_not_taken_for_nothing():
    assert _cost(None, "one", 2).tokens is None
    unmeasured = Ledger(tasks={"one": Counters(problems=1, lm_calls=1, generated_tokens=None)})
    assert _cost(unmeasured, "one", 1).tokens is None
    assert _cost(unmeasured, "one", 1).bytes is None
