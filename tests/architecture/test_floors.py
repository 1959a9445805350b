"""What importing loads, how large files may grow, and words that never stand in product code."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "lottery_plugins"
CONFINED = "lottery_plugins/tools/sandbox/confined.py"  # runs model-written programs, in a process without rights
HEAVY = ("torch", "transformers", "lm_eval", "hypothesis", "pytest", "scipy", "datasets")
PRODUCT = [p for folder in ("lottery_plugins", "plugins") for p in sorted((REPOSITORY / folder).rglob("*.py"))]
PYTHON = [
    *PRODUCT,
    *(p for folder in ("tests", "benchmarks") for p in sorted((REPOSITORY / folder).rglob("*.py"))),
    *sorted(REPOSITORY.glob("*.py")),
]


def name_of(path):
    return path.relative_to(REPOSITORY).as_posix()


def loaded_by(statement):
    """The heavy libraries that a statement loads in a clean interpreter."""
    start = f"import sys, json; sys.path.insert(0, {str(REPOSITORY)!r})"
    program = f"{start}\n{statement}\nprint(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return sorted(set(HEAVY) & set(json.loads(done.stdout.splitlines()[-1])))


@pytest.mark.parametrize(
    "module",
    [
        "lottery_plugins",
        "lottery_plugins.builtin",
        "lottery_plugins.cli",
        "lottery_plugins.assembly",
        "lottery_plugins.hookspecs",
        "lottery_plugins.harness.autoload",
        "lottery_plugins.harness.offers",
        "lottery_plugins.harness.small_model",
        "lottery_plugins.reasoning.runner",
    ],
)
def test_importing_loads_no_heavy_library(module):
    assert loaded_by(f"import {module}") == []


def test_finding_all_plugins_loads_no_heavy_library():
    assert loaded_by("from lottery_plugins.discovery import task_paths; task_paths()") == []


def test_results_load_no_model_library():
    loaded = loaded_by("import lottery_plugins.results.compare")
    assert set(loaded).isdisjoint({"torch", "transformers", "lm_eval", "datasets"})


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_no_file_is_longer_than_300_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", PRODUCT, ids=name_of)
def test_no_product_code_runs_text_as_code(path):
    """`model.eval()` is torch's and fine; the built-ins of these names run text, which a model may have written."""
    banned = {"eval", "exec"} if name_of(path) == CONFINED else {"eval", "exec", "compile"}
    calls = [
        f"line {node.lineno}: {node.func.id}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in banned
    ]
    assert calls == []


def test_floors_hold():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as c; c()",
            "--no-logo",
            "--no-cache",
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
