"""What importing loads, how large files may grow, and words that never stand in product code."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "lottery_plugins"
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
    program = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})\n{statement}\nimport json; print(json.dumps(list(sys.modules)))"
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
    """`model.eval()` is torch's; the built-ins `eval`, `exec` and `compile` run text, which a model may have written."""
    calls = [
        f"line {node.lineno}: {node.func.id}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec", "compile")
    ]
    assert calls == []


def test_floors_hold():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
