"""The table of costs: an arm a row, what was not measured says so, and it fits a terminal of 100 columns."""

import dataclasses
import io
import json

import pytest
from rich.console import Console

from lottery_plugins.ledger import Counters, Ledger, WeightBytes
from lottery_plugins.results.compare import compare_study
from lottery_plugins.results.comparison import STUDY_ARMS
from lottery_plugins.results.costs import cost_table, joules_of
from lottery_plugins.results.render import render_markdown, render_table

COUNTED = Counters(problems=4, generated_tokens=1_234_567, forwarded_tokens=9_876_543, seconds=4321.5, flops=2.5e15)


@pytest.fixture
def study(runs):
    """Two arms on two tasks, the second compressed and with energy; files as the harness leaves them."""
    sizes = {"stored": 171_447_552, "original_stored": 538_060_032, "nominal": 144_905_472, "note": "zeros are stored"}
    for arm, weights, joules in (
        (STUDY_ARMS[0], WeightBytes(stored=538_060_032, original_stored=538_060_032), None),
        (STUDY_ARMS[2], WeightBytes(**sizes), 90_000.0),
    ):
        folder = runs.write(arm, {"a": [1.0, 0.0] * 10, "b": [1.0] * 20}, model_args=arm)
        ledger = Ledger(
            run={"results_file": next(folder.rglob("results_*.json")).name},
            weights=weights,
            compressed_kv_bytes_per_token=46_080.0 if joules is None else 23_040.0,
            joules=joules,
            tasks={"a": COUNTED, "b": dataclasses.replace(COUNTED, seconds=COUNTED.seconds * 2)},
        )
        (next(folder.rglob("results_*.json")).parent / "ledger.json").write_text(json.dumps(ledger.to_json()))
    return compare_study({arm: runs.root / arm for arm in (STUDY_ARMS[0], STUDY_ARMS[2])})


def test_costs_are_summed_over_the_tasks_of_an_arm(study):
    (header, original, ticket), notes = cost_table(study)
    assert dict(zip(header, ticket, strict=True)) == {
        "all tasks": "compressed-plain",
        "weights": "171.4 MB (0.32)",
        "KV B/token": "23,040",
        "TFLOP": "5,000",
        "forwarded": "19,753,086",
        "generated": "2,469,134",
        "seconds": "12,964",
        "joules": "90,000",
    }
    assert (original[1], original[-1]) == ("538.1 MB", "-")
    assert "In the costs a dash is not measured." in notes
    assert any("nominally 144.9 MB of weights; zeros are stored" in note for note in notes)


def test_the_table_fits_a_hundred_columns(study):
    out = io.StringIO()
    render_table(study, Console(file=out, width=100))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 100
    row = next(line for line in lines if "90,000" in line)
    assert "compressed-plain" in row
    assert "23,040" in row


def test_markdown_has_the_costs(study):
    assert "| all tasks | weights | KV B/token |" in render_markdown(study)


def test_foreign_runs_have_no_table_of_costs(runs):
    for arm in STUDY_ARMS[:2]:
        runs.write(arm, {"t": [1.0, 0.0]}, model_args=arm)
    assert cost_table(compare_study({arm: runs.root / arm for arm in STUDY_ARMS[:2]})) == ([], [])


def test_energy_is_shared_out_by_seconds():
    ledger = Ledger(joules=90.0, tasks={"a": Counters(seconds=1.0), "b": Counters(seconds=2.0)})
    assert (joules_of(ledger, "a"), joules_of(ledger, "b"), joules_of(ledger, "c")) == (30.0, 60.0, None)
    assert joules_of(dataclasses.replace(ledger, joules=None), "a") is None
