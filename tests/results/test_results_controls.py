"""Control arms are found by what their runs say of themselves, and held against the arm that they control."""

import io
import json

import pytest
from rich.console import Console

from lottery_plugins.results.compare import compare
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.render import render_json, render_markdown, render_table

QUICK = CompareOptions(resamples=499)
TICKET = "pretrained=small,reasoner=react,tools=calculator,retriever=bm25"
BUDGET = "pretrained=small,reasoner=self-consistency:samples=none,budget_of=runs/ticket"
DATES = {"original": "2026-01-01T00-00-00.1", "ticket": "2026-01-02T00-00-00.1", "control": "2026-01-03T00-00-00.1"}


def scores(correct, n=100):
    return [1.0] * correct + [0.0] * (n - correct)


def note_budget(runs, *results_files):
    path = runs.root / "control" / "model" / "ledger.json"
    ledger = json.loads(path.read_text())
    ledger["run"]["budget_of_results"] = list(results_files)
    path.write_text(json.dumps(ledger))


@pytest.fixture
def study(runs):
    """A ticket of 60 right answers, an original of 60, and a control of 30."""

    def write(control_args, control=30):
        arms = {"original": ("pretrained=large", 60), "ticket": (TICKET, 60), "control": (control_args, control)}
        for name, (args, correct) in arms.items():
            runs.write(name, {"t": scores(correct)}, model_args=args, date=DATES[name])
            runs.write_ledger(name, num=100, date=DATES[name])
        if "budget_of" in control_args:
            note_budget(runs, f"results_{DATES['ticket']}.json")
        folders = {name: runs.root / name for name in ("ticket", "control")}
        return lambda: compare(runs.root / "original", folders, QUICK)

    return write


def test_an_equal_budget_control_is_named_and_held_against_the_run_whose_budget_it_had(study):
    comparison = study(BUDGET)()
    (control,) = comparison.controls
    assert (control.arm, control.of, control.kind) == ("control", "ticket", "equal_budget")
    assert control.description == "plain with the budget of ticket"
    assert control.gain.value == pytest.approx(0.3)
    assert control.gain.low > 0
    (note,) = [note for note in comparison.notes if note.startswith("control is a control")]
    assert "more than its tokens buy by plain sampling" in note


@pytest.mark.parametrize(("control", "shown"), [(30, "gain"), (60, "neither"), (95, "loss")])
def test_table_markdown_and_json_show_what_the_ticket_gains_over_its_control(study, control, shown):
    comparison = study(BUDGET, control)()
    console = Console(file=io.StringIO(), width=80, color_system=None)
    render_table(comparison, console)
    for text in (console.file.getvalue(), render_markdown(comparison)):
        assert "ticket minus control, which is plain with the budget of ticket" in text
        assert shown in text
    assert json.loads(render_json(comparison))["controls"][0]["of"] == "ticket"


def test_shuffled_evidence_is_held_against_the_same_run_with_its_evidence(study):
    (control,) = study(f"{TICKET},evidence=shuffled,max_live=3")().controls
    assert (control.kind, control.of) == ("shuffled_evidence", "ticket")
    assert control.description == "ticket with documents of other questions"


@pytest.mark.parametrize("args", [f"{TICKET},top=1,evidence=shuffled", "pretrained=small,budget_of=runs/other"])
def test_a_control_of_a_run_that_is_not_there_is_named_without_a_difference(study, runs, args):
    compared = study(args)
    if "budget_of" in args:
        note_budget(runs, "results_2026-05-05T00-00-00.1.json")
    comparison = compared()
    (control,) = comparison.controls
    assert (control.of, control.gain) == (None, None)
    assert any("is to be held against is not among these" in note for note in comparison.notes)


def test_an_augmented_run_with_a_budget_is_not_called_plain(study):
    (control,) = study(f"{BUDGET},retriever=bm25")().controls
    assert control.description == "augmented with the budget of ticket"


def test_runs_without_such_settings_are_no_controls_and_controls_decide_nothing(study):
    assert study("pretrained=small,evidence=found")().controls == ()
    comparison = study(BUDGET, 0)()
    assert [group.arm for group in comparison.deciding] == ["ticket"]


def test_spent_tokens_stand_in_the_note_where_they_were_counted(study):
    comparison = study(BUDGET)()
    (note,) = [note for note in comparison.notes if note.startswith("control is a control")]
    assert "it generated 0 tokens and ticket 0" in note
