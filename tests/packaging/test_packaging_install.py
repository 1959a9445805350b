"""What an installation puts where, and what stock lm-eval then finds."""

import json
import shutil
from pathlib import Path

import pytest

PROBE = """
import json, sys
import lm_eval.models
from lm_eval.api.registry import model_registry
print(json.dumps({
    "lottery": str(model_registry._objs.get("lottery")),
    "torch": "torch" in sys.modules,
    "finders": [type(f).__name__ for f in sys.meta_path].count("LotteryFinder"),
}))
"""


def answer(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_stock_lm_eval_knows_the_model_by_name(environment):
    found = answer(environment.run("-c", PROBE))
    assert found == {"lottery": "lottery_plugins.harness.model:LotteryLM", "torch": False, "finders": 1}


def test_the_switch_leaves_lm_eval_as_it_was(environment):
    assert answer(environment.run("-c", PROBE, LOTTERY_AUTOLOAD="0"))["lottery"] == "None"


def test_the_switch_works_when_set_inside_the_program(environment):
    probe = "import os; os.environ['LOTTERY_AUTOLOAD'] = '0'\n" + PROBE
    assert answer(environment.run("-c", probe))["lottery"] == "None"


def test_an_unrelated_program_loads_nothing_of_ours(environment):
    probe = "import sys, json; print(json.dumps(sorted(m for m in sys.modules if 'lottery' in m)))"
    assert answer(environment.run("-c", probe)) == ["_lottery_autoload"]


def test_start_up_loads_no_module_that_python_had_not_loaded(environment, bare_environment):
    probe = "import sys; loaded = sorted(sys.modules); import json; print(json.dumps(loaded))"
    added = set(answer(environment.run("-c", probe))) - set(answer(bare_environment.run("-c", probe)))
    assert added == {"_lottery_autoload"}


def test_the_built_in_task_files_are_installed(environment):
    probe = "import json; from lottery_plugins.discovery import task_paths; print(json.dumps([str(task_paths()[0])]))"
    (folder,) = answer(environment.run("-c", probe))
    assert folder.endswith("task_yaml")
    assert list(Path(folder).rglob("lottery_needle.yaml"))


def test_the_package_is_marked_as_typed(environment):
    probe = (
        "import lottery_plugins, pathlib; print((pathlib.Path(lottery_plugins.__file__).parent / 'py.typed').exists())"
    )
    assert environment.run("-c", probe).stdout.strip() == "True"


def test_a_half_removed_installation_is_silent_for_other_programs(bare_environment, wheel_environment):
    shutil.copy(wheel_environment.site_packages / "lottery_plugins_autoload.pth", bare_environment.site_packages)
    done = bare_environment.run("-c", "print('fine')")
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_a_half_removed_package_costs_one_line_and_lm_eval_goes_on(bare_environment, wheel_environment):
    for name in ("lottery_plugins_autoload.pth", "_lottery_autoload.py"):
        shutil.copy(wheel_environment.site_packages / name, bare_environment.site_packages)
    probe = "import sys; sys.modules['lottery_plugins'] = None\n" + PROBE
    done = bare_environment.run("-c", probe)
    assert answer(done)["lottery"] == "None"
    ours = [line for line in done.stderr.splitlines() if "lottery" in line]
    assert len(ours) == 1
    assert ours[0].startswith("lottery-plugins: ")
    assert "LOTTERY_AUTOLOAD=0" in ours[0]


def test_uninstalling_knows_every_file_outside_the_package(wheel_environment):
    recorded = next(wheel_environment.site_packages.glob("lottery_plugins-*.dist-info")) / "RECORD"
    listed = {line.split(",")[0] for line in recorded.read_text().splitlines()}
    assert {"lottery_plugins_autoload.pth", "_lottery_autoload.py"} <= listed


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("way", "program"), [("wheel", "lm-eval"), ("wheel", "lm_eval"), ("wheel", None), ("editable", "lm-eval")]
)
def test_every_way_to_start_lm_eval_knows_our_tasks_and_expands_globs(installed, way, program):
    arguments = [] if program else ["-m", "lm_eval"]
    done = installed(way).run(*arguments, "validate", "--tasks", "lottery_*", program=program)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lottery_needle" in done.stdout
    assert "All tasks found and valid" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_lm_eval_lists_our_tasks(wheel_environment):
    done = wheel_environment.run("ls", "subtasks", program="lm-eval")
    assert done.returncode == 0, done.stderr
    assert "lottery_needle" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_validate_still_names_what_is_missing(wheel_environment):
    done = wheel_environment.run("validate", "--tasks", "no_such_task_*", program="lm-eval")
    assert done.returncode == 1
    assert "Tasks not found: no_such_task_*" in done.stdout
