"""The tables of benchmarks/small_model_tables.py: what they name exists, and what they show is what was measured."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.tables.arms import TABLES, Arm, Table
from benchmarks.tables.measure import COLUMNS, Cell, percent, read_cell
from benchmarks.tables.report import Report, publish
from benchmarks.tables.runs import Settings, missing, run_of
from lottery_plugins.harness.worker import evaluate
from lottery_plugins.ledger import Counters
from lottery_plugins.results.statistics import wilson
from tests.tasks.paper_folder import write_folder

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = Table("Tools", ("lottery-paper-tool-selection",), TABLES["tools"].arms, TABLES["tools"].columns)


def settings(tmp_path, model="m"):
    data = write_folder(tmp_path / "data")
    return Settings(model=model, data=data, limit=4, threads=1, out=tmp_path / "out")


def cell(scores, *, answered=(), counters=None):
    return Cell("arm", "task", {"acc": scores}, frozenset(answered), None, counters or Counters(problems=len(scores)))


@pytest.mark.parametrize("name", TABLES)
def test_tables_name_tasks_and_columns_that_exist(name):
    tasks = {path.stem for path in (REPOSITORY / "task_yaml").rglob("*.yaml")}
    assert set(TABLES[name].tasks) <= tasks
    assert set(TABLES[name].columns) <= set(COLUMNS)
    assert all(set(arm.tasks) <= set(TABLES[name].tasks) for arm in TABLES[name].arms)


@pytest.mark.parametrize("name", TABLES)
def test_no_option_of_an_arm_swallows_another_one(name):
    """Options are joined by colons; a comma would make two of them one value."""
    assert not [arm for arm in TABLES[name].arms if "," in "".join(arm.args.values())]


def test_an_arm_without_its_plugin_is_named_with_the_reason(tmp_path):
    table = replace(TOOLS, arms=(TOOLS.arms[0], Arm("odd", {"reasoner": "retrieve-then-read", "retriever": "psychic"})))
    chosen = settings(tmp_path)
    assert missing(run_of("tools", table, 0, chosen)) == ""
    assert "psychic" in missing(run_of("tools", table, 1, chosen))


@pytest.mark.timeout(120)
def test_a_real_run_is_read_back_into_a_table_and_a_file(tiny_model, tmp_path, capsys):
    chosen = settings(tmp_path, tiny_model)
    report = Report("tools", TOOLS, chosen)
    for number in range(2):
        run = run_of("tools", TOOLS, number, chosen)
        evaluate(run)
        report.add(run, [read_cell(Path(run.output_path), TOOLS.arms[number].name, task) for task in run.tasks])
    publish(report, chosen.out)
    shown = capsys.readouterr().out
    assert shown.count("| lottery-paper-tool-selection |") == 2
    assert "load average" in shown
    found = json.loads((chosen.out / "tools.json").read_text())
    assert [c["samples"] for c in found["cells"]] == [4, 4]
    assert [c["metrics"]["acc"]["value"] for c in found["cells"]] == [0, 0]
    assert "--num_fewshot" in found["runs"][1]
    plain, shown_examples = (c["counters"] for c in found["cells"])
    assert plain["lm_calls"] == 4
    assert shown_examples["prompt_tokens"] > 2 * plain["prompt_tokens"]
    assert (chosen.out / "tools.md").read_text() in shown


def test_accuracies_are_means_with_wilsons_interval():
    half = cell({"a": 1.0, "b": 0.0, "c": 1.0, "d": 0.0}, answered="ab")
    assert half.mean("acc") == wilson(2, 4)
    assert half.mean("acc", half.answered) == wilson(1, 2)
    assert half.mean("f1") is None
    assert percent(half.mean("acc")).startswith("50 [")


def test_the_difference_is_paired_by_document():
    first = cell({"a": 1.0, "b": 0.0, "c": 0.0, "d": 0.0})
    better = cell({"b": 1.0, "c": 1.0, "a": 1.0, "d": 0.0})
    assert better.difference(first).value == 0.5
    assert first.difference(better).value == -0.5


def test_a_graded_score_keeps_its_mean_and_stays_in_the_unit_interval():
    graded = Cell("arm", "task", {"f1": {"a": 0.9, "b": 1.0}}, frozenset(), None, Counters(problems=2))
    estimate = graded.mean("f1")
    assert estimate.value == pytest.approx(0.95)
    assert 0 <= estimate.low < 0.95 < estimate.high <= 1.0


def test_what_was_not_measured_is_not_shown_as_zero():
    unknown = cell({"a": 1.0}, counters=Counters(problems=1, retrieved_tokens=None))
    assert COLUMNS["retrieved tokens"][1](unknown, unknown) == "not measured"


def test_an_unknown_table_is_refused_with_those_there_are(tmp_path):
    command = [sys.executable, str(REPOSITORY / "benchmarks" / "small_model_tables.py")]
    done = subprocess.run(
        [*command, "--data", str(tmp_path), "--tables", "tolls"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "arithmetic, rag, tools, logic, needle, every-task" in done.stderr
