"""The finder on sys.meta_path, against a stand-in for lm_eval, in interpreters of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path):
    """Run a program with the autoload installed, beside an lm_eval that consists of one empty module."""
    (tmp_path / "lm_eval").mkdir()
    (tmp_path / "lm_eval" / "__init__.py").write_text("")
    (tmp_path / "lm_eval" / "models.py").write_text("name = __name__")

    def run(program):
        start = f"import sys; sys.path[:0] = [{str(REPOSITORY)!r}, {str(tmp_path)!r}]\n"
        return subprocess.run(
            [sys.executable, "-I", "-c", start + program], capture_output=True, text=True, check=False
        )

    return run


ATTACH_AND_PRINT = """
import _lottery_autoload as auto
from lottery_plugins.harness import autoload
autoload.attach = lambda module: print("attached", module.name)
"""


def test_a_watched_module_is_attached_after_it_has_run(run):
    done = run(ATTACH_AND_PRINT + "auto.install()\nimport lm_eval.models")
    assert (done.stdout, done.stderr) == ("attached lm_eval.models\n", "")


def test_installing_twice_attaches_once(run):
    done = run(ATTACH_AND_PRINT + "auto.install(); auto.install()\nimport lm_eval.models")
    assert done.stdout == "attached lm_eval.models\n"


def test_installing_late_attaches_to_what_is_there(run):
    done = run(ATTACH_AND_PRINT + "import lm_eval.models\nauto.install()")
    assert done.stdout == "attached lm_eval.models\n"


def test_a_reload_attaches_again(run):
    program = "auto.install()\nimport lm_eval.models, importlib\nimportlib.reload(lm_eval.models)"
    assert run(ATTACH_AND_PRINT + program).stdout == "attached lm_eval.models\n" * 2


def test_other_import_hooks_still_see_the_module(run):
    hook = """
class Hook:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("lm_eval"):
            print("hook", name)
sys.meta_path.insert(0, Hook())
auto.install()
sys.meta_path.insert(0, Hook())
import lm_eval.models
"""
    lines = run(ATTACH_AND_PRINT + hook).stdout.splitlines()
    assert lines == [
        "hook lm_eval",
        "hook lm_eval",
        "hook lm_eval.models",
        "hook lm_eval.models",
        "attached lm_eval.models",
    ]


def test_the_spec_is_what_python_would_have_found(run):
    program = """
import lm_eval.models as m
plain = (type(m.__spec__.loader), m.__spec__.origin, m.__spec__.name, m.__file__, m.__spec__.cached)
del sys.modules["lm_eval.models"]
auto.install()
import importlib
m = importlib.import_module("lm_eval.models")
print(plain == (type(m.__spec__.loader), m.__spec__.origin, m.__spec__.name, m.__file__, m.__spec__.cached))
"""
    assert run(ATTACH_AND_PRINT + program).stdout.splitlines()[-1] == "True"


@pytest.mark.parametrize("error", ["ValueError('two\\nlines')", "ImportError('gone')", "AssertionError()"])
def test_a_failure_of_ours_is_one_line_and_the_import_succeeds(run, error):
    program = f"""
import _lottery_autoload as auto
from lottery_plugins.harness import autoload
def attach(module):
    raise {error}
autoload.attach = attach
auto.install()
import lm_eval.models
print(lm_eval.models.name)
"""
    done = run(program)
    assert done.stdout == "lm_eval.models\n"
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("lottery-plugins: attaching to lm_eval.models failed (")
    assert done.stderr.endswith("Switch off: LOTTERY_AUTOLOAD=0\n")


def test_a_failure_of_the_module_itself_passes_through(run, tmp_path):
    (tmp_path / "lm_eval" / "models.py").write_text("raise ZeroDivisionError('theirs')")
    done = run(ATTACH_AND_PRINT + "auto.install()\nimport lm_eval.models")
    assert done.returncode == 1
    assert done.stderr.endswith("ZeroDivisionError: theirs\n")
    assert "attached" not in done.stdout


def test_a_missing_module_is_the_usual_error(run):
    done = run(ATTACH_AND_PRINT + "auto.install()\nimport lm_eval.tasks.manager")
    assert "ModuleNotFoundError: No module named 'lm_eval.tasks'" in done.stderr
