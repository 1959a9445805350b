"""The data of the paper's tasks are read before the model is made, and nothing else is."""

import logging
from types import SimpleNamespace

import pytest

from lottery_plugins.errors import DataError
from lottery_plugins.harness.early_data import read_data_first


class Manager:
    """Loads what it knows, and notes it."""

    all_tasks = ("lottery-paper-a", "lottery-table-b", "lottery_c")

    def __init__(self, happened, error=None):
        self.happened, self.error = happened, error

    def load(self, names):
        logging.getLogger("lm_eval.api").warning("loading")
        self.happened.append(("loaded", *names))
        if self.error:
            raise self.error


def run(tasks, *, error=None):
    """What happened, in order, when lm-eval was asked for some tasks."""
    happened = []

    def simple_evaluate(model, tasks=None, task_manager=None, metadata=None):
        happened.append(("evaluated", model))
        return "results"

    try:
        assert read_data_first(simple_evaluate)("m", tasks, task_manager=Manager(happened, error)) == "results"
    except DataError as raised:
        happened.append(raised)
    return happened


def test_paper_tasks_and_their_tags_are_loaded_before_anything_is_evaluated():
    asked = ["lottery_c", "lottery-paper-a", "lottery-table-b", "lottery-paper-unheard", {"task": "x"}]
    assert run(asked) == [("loaded", "lottery-paper-a", "lottery-table-b"), ("evaluated", "m")]


@pytest.mark.parametrize("tasks", [None, [], ["lottery_c", "gsm8k"], [SimpleNamespace(task_name="lottery-paper-a")]])
def test_other_tasks_are_left_to_lm_eval(tasks):
    assert run(tasks) == [("evaluated", "m")]


def test_what_is_wrong_with_the_data_ends_the_run_before_the_model_is_made():
    error = DataError("here", "is nothing")
    assert run(["lottery-paper-a"], error=error) == [("loaded", "lottery-paper-a"), error]


def test_notes_on_loading_are_not_shown_twice_and_the_level_comes_back(caplog):
    caplog.set_level(logging.INFO, "lm_eval")
    run(["lottery-paper-a"])
    assert not caplog.records
    assert logging.getLogger("lm_eval").level == logging.INFO
