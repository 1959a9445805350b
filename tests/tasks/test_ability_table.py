"""The table of all abilities: chance levels per document, and what counts as above them."""

import argparse
import json
from pathlib import Path

import pytest

from benchmarks.ability_table import AUGMENTED, Score, Task, load_tasks, read_score, run_of, table, together
from lottery_plugins.config import RunConfig
from lottery_plugins.discovery import discover


def options(**changes):
    base = {"model": "M", "limit": 5, "levels": "default", "chat": False, "threads": 1, "out": Path("out")}
    return argparse.Namespace(**{**base, **changes})


@pytest.mark.parametrize(
    ("correct", "n", "chance", "above"),
    [(5, 10, 0.5, "no"), (9, 10, 0.5, "yes"), (8, 10, 0.5, "no"), (1, 20, 0.0, "yes"), (0, 20, 0.0, "no")],
)
def test_above_is_a_one_sided_exact_test_of_the_chance(correct, n, chance, above):
    assert Score(correct, n, chance).cells().endswith(f"| {above}")


def test_tasks_of_one_ability_are_pooled_with_the_mean_chance():
    assert together([Score(3, 10, 0.1), Score(9, 30, 0.5)]) == Score(12, 40, 0.4)


def test_a_table_has_a_row_a_task_and_one_for_each_ability_and_a_dash_for_what_was_not_run():
    tasks = [Task(name, "planning", False, {}, 0.25) for name in ("lottery_a", "lottery_b")]
    lines = table(tasks, ["hf", "lottery"], {("lottery", "lottery_a"): Score(2, 4, 0.25)}).splitlines()
    assert [line.split(" | ")[1] for line in lines[2:]] == ["lottery_a", "all"]
    assert "| - | -" in lines[2]
    assert len({line.count("|") for line in lines}) == 1


def test_the_chance_is_of_the_documents_of_the_run(tmp_path):
    rows = [{"doc": {"id": "a"}, "acc": 1.0}, {"doc": {"id": "b"}, "acc": 0.0}]
    (tmp_path / "samples_lottery_a_1.jsonl").write_text("\n".join(map(json.dumps, rows)))
    task = Task("lottery_a", "planning", False, {"a": 0.5, "b": 0.1, "c": 1.0}, 0.9)
    run = run_of(task, "lottery", options())
    object.__setattr__(run, "output_path", str(tmp_path))
    assert read_score(run, task) == Score(1, 2, 0.3)


def test_tasks_are_loaded_with_what_blind_guesses_score():
    (task,) = load_tasks(["lottery_schedule"], {"num_docs": 4, "schedule_steps": [3], "schedule_told": [1]})
    assert task.is_solved
    assert list(task.chances.values()) == [pytest.approx(1 / 6)] * 4


def test_arms_are_runs_of_the_stock_command():
    task = Task("lottery_stories", "long-context", False, {}, 0.3)
    hf, few = run_of(task, "hf", options()), run_of(task, "few-shot", options(levels="easiest"))
    assert set(hf.model_args) == {"pretrained", "dtype"}
    assert "--apply_chat_template" not in hf.command()
    assert few.num_fewshot == 2
    assert few.metadata == {"easiest": 1, "num_docs": 5}
    assert run_of(Task("lottery_hanoi", "planning", True, {}, 0.1), "few-shot", options()) is None


@pytest.mark.parametrize("name", AUGMENTED)
def test_every_augmented_arm_names_plugins_that_there_are(name):
    config, registry = RunConfig.parse({"pretrained": "M", **AUGMENTED[name]}), discover()
    assert registry.find("reasoner", config.reasoner)
    assert all(registry.find("tool", spec) for spec in config.tools)
    assert all(registry.find("retriever", spec) for spec in config.retriever)
