"""A run that may spend what another run spent, document by document."""

import json

import pytest

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.harness.budgets import read_budgets
from lottery_plugins.harness.model import LotteryLM
from lottery_plugins.harness.study import HarnessRun
from lottery_plugins.harness.worker import evaluate
from lottery_plugins.ledger import Ledger
from lottery_plugins.trajectory import Trajectory

CONTROL = "self-consistency:method=direct:samples=none"


@pytest.fixture(scope="module")
def ran(tiny_model, tmp_path_factory):
    """A ticket's run of two documents with a chain of thought, through lm-eval."""
    root = tmp_path_factory.mktemp("budgets")

    def run(name, limit=2, **arguments):
        folder = root / name
        model_args = {"pretrained": tiny_model, "dtype": "float32", "resume": False, **arguments}
        evaluate(
            HarnessRun(
                model_args=model_args,
                tasks=["lottery_arithmetic"],
                output_path=str(folder),
                limit=limit,
                apply_chat_template=False,
            )
        )
        return folder

    run.ticket = run("ticket", reasoner="self-consistency:samples=3:max_tokens=9")
    return run


def trajectories(folder):
    (path,) = folder.rglob("trajectories.jsonl")
    return [Trajectory.from_json(json.loads(line)) for line in path.read_text().splitlines()]


def generated(folder):
    return {t.doc_id: sum(s.completion_tokens for s in t.steps) for t in trajectories(folder)}


def test_each_document_is_given_what_the_ticket_spent_on_it_and_spends_it(ran):
    control = ran("control", reasoner=CONTROL, budget_of=str(ran.ticket), max_new_tokens=100_000)
    budgets, spent = generated(ran.ticket), generated(control)
    longest = {t.doc_id: max(s.completion_tokens for s in t.steps) for t in trajectories(control)}
    assert spent.keys() == budgets.keys()
    for document, tokens in spent.items():
        assert budgets[document] <= tokens < budgets[document] + longest[document]
    (path,) = control.rglob("ledger.json")
    (results,) = ran.ticket.rglob("results_*.json")
    assert Ledger.from_json(json.loads(path.read_text())).run["budget_of_results"] == [results.name]


def test_documents_that_the_run_has_not_seen_are_refused(ran):
    with pytest.raises(DataError, match=r"lacks 1 of 3 problems, the first: task lottery_arithmetic, document 2"):
        ran("more", limit=3, reasoner=CONTROL, budget_of=str(ran.ticket))


def test_a_budget_that_nobody_spends_is_refused(ran, tiny_model):
    for reasoner in ("direct", "self-consistency"):
        with pytest.raises(ConfigError, match="a reasoner that spends it"):
            LotteryLM(pretrained=tiny_model, reasoner=reasoner, budget_of=str(ran.ticket))


def test_a_folder_without_a_run_of_ours_is_refused(tiny_model, tmp_path):
    with pytest.raises(DataError, match="is no folder"):
        LotteryLM(pretrained=tiny_model, reasoner=CONTROL, budget_of=str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"holds no trajectories.jsonl"):
        LotteryLM(pretrained=tiny_model, reasoner=CONTROL, budget_of=str(tmp_path))


@pytest.mark.parametrize(
    ("broken", "told"),
    [("{", "is not valid JSON"), ("[]", "is no trajectory"), ('{"task": "t"}', "is no trajectory")],
)
def test_a_broken_line_is_named(tmp_path, broken, told):
    (tmp_path / "ledger.json").write_text(json.dumps(Ledger(run={"results_file": "results_d.json"}).to_json()))
    (tmp_path / "trajectories.jsonl").write_text(broken + "\n")
    with pytest.raises(DataError, match=f"line 1 {told}"):
        read_budgets(str(tmp_path))


def test_tokens_that_nobody_counted_are_no_budget(tmp_path):
    row = {"task": "t", "doc_id": 0, "sample": 0, "steps": [{"kind": "generate", "completion_tokens": None}]}
    (tmp_path / "ledger.json").write_text(json.dumps(Ledger(run={"results_file": "results_d.json"}).to_json()))
    (tmp_path / "trajectories.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(DataError, match="does not tell its generated tokens"):
        read_budgets(str(tmp_path))
