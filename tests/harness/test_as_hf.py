"""Whole lm-eval runs through `hf` and through `lottery` without options: prompts, answers and scores are the same."""

import pytest
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

from lottery_plugins.discovery import task_paths
from lottery_plugins.harness import autoload

SETTINGS = {
    "base model": {},
    "chat": {"apply_chat_template": True},
    "chat with system instruction": {"apply_chat_template": True, "system_instruction": "Be brief."},
    "few-shot": {"num_fewshot": 2},
    "few-shot chat turns": {"num_fewshot": 2, "apply_chat_template": True, "fewshot_as_multiturn": True},
    "gen_kwargs": {"gen_kwargs": "max_gen_toks=5,until=a"},
    "samples": {"samples": {"lottery_arithmetic": [1, 4], "lottery_operations": [0]}, "limit": None},
    "batch size": {"batch_size": 3},
}


@pytest.fixture(scope="module")
def manager():
    autoload.attach_now()
    return TaskManager(include_path=[str(path) for path in task_paths()], include_defaults=False)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_run_without_our_options_equals_the_run_of_hf(tiny_model, manager, settings):
    def run(name):
        return simple_evaluate(
            model=name,
            model_args=f"pretrained={tiny_model},dtype=float32,device=cpu",
            tasks=["lottery_arithmetic", "lottery_operations"],
            task_manager=manager,
            bootstrap_iters=0,
            **{"limit": 3, "batch_size": 2, **settings},
        )

    plain, ours = run("hf"), run("lottery")
    assert ours["results"] == plain["results"]
    assert ours["n-shot"] == plain["n-shot"]
    assert ours["samples"] == plain["samples"]
    assert ours["config"]["model_num_parameters"] == plain["config"]["model_num_parameters"]
    if "num_fewshot" in settings:
        assert set(ours["n-shot"].values()) == {2}


def test_repeats_are_kept_apart_and_greedy_ones_agree(tiny_model, manager):
    manager_task = manager.load(["lottery_arithmetic"])["tasks"]["lottery_arithmetic"]
    manager_task.set_config("repeats", 2)
    results = simple_evaluate(
        model="lottery",
        model_args=f"pretrained={tiny_model},dtype=float32,device=cpu",
        tasks=[manager_task],
        task_manager=manager,
        limit=3,
        batch_size=4,
        bootstrap_iters=0,
    )
    for sample in results["samples"]["lottery_arithmetic"]:
        ((first, second),) = sample["resps"]
        assert first == second
