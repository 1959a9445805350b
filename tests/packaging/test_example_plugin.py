"""The example plugin, installed into a fresh environment beside our wheel, used through stock lm-eval."""

import json
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
AUGMENTED = "reasoner=second-try,verifier=says-something,tools=letters,retriever=shared-words,memory=notebook"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def with_example(installed):
    """An environment of its own with our wheel and the example package."""
    environment = installed("with-example")
    environment.install(REPOSITORY / "plugins" / "lottery-example")
    return environment


def lm_eval(environment, output, model_args, **variables):
    """Three documents of the example's task under the lottery model."""
    done = environment.run(
        *("run", "--model", "lottery", "--model_args", model_args, "--tasks", "lottery_example", "--limit", "3"),
        *("--output_path", str(output), "--log_samples", "--device", "cpu", "--batch_size", "2"),
        program="lm-eval",
        **variables,
    )
    return done


def test_lottery_plugins_lists_one_of_each_kind(with_example):
    program = "import sys; from lottery_plugins.cli import main; sys.exit(main())"
    done = with_example.run("-c", program, "plugins", "list", "--json")
    assert done.returncode == 0, done.stderr
    for name in ("newest", "letters", "shared-words", "notebook", "second-try", "says-something"):
        assert f'"{name}"' in done.stdout


def test_lm_eval_runs_the_examples_task_with_the_examples_plugins(with_example, tiny_model, tmp_path):
    done = lm_eval(with_example, tmp_path / "out", f"pretrained={tiny_model},compression=newest,{AUGMENTED}")
    assert done.returncode == 0, done.stderr
    assert "lottery_example" in done.stdout
    (trajectories,) = (tmp_path / "out").rglob("trajectories.jsonl")
    lines = [json.loads(line) for line in trajectories.read_text().splitlines()]
    assert len(lines) == 3
    kinds = {step["kind"] for line in lines for step in line["steps"]}
    assert {"generate", "verify"} <= kinds


def test_without_the_package_its_names_are_one_clear_sentence(wheel_environment, tiny_model, tmp_path):
    arguments = ("run", "--model", "lottery", "--model_args", f"pretrained={tiny_model},reasoner=second-try")
    done = wheel_environment.run(*arguments, "--tasks", "lottery_arithmetic", "--limit", "1", program="lm-eval")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.rstrip().splitlines()[-1].startswith("PluginNotFoundError: No reasoner is named 'second-try'")


def test_a_blocked_package_is_as_good_as_not_installed(with_example, tiny_model, tmp_path):
    blocked = {"LOTTERY_PLUGINS_BLOCK": "lottery-example"}
    done = lm_eval(with_example, tmp_path / "out", f"pretrained={tiny_model},reasoner=second-try", **blocked)
    assert done.returncode != 0
    assert "lottery_example" in done.stderr or "second-try" in done.stderr
