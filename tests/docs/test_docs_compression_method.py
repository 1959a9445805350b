"""docs/add-a-compression-method.md, done as it says: its package, its test, its commands."""

import json
import re
import shlex
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from lottery_plugins.cli import main
from lottery_plugins.compression.checkpoint import read_record
from lottery_plugins.harness import worker as harness
from lottery_plugins.harness.study import HarnessRun
from lottery_plugins.testing.contracts.compression_files import save_tiny_model

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "add-a-compression-method.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w./]+)`\n\n```\w+\n(.*?)```$", PAGE, re.DOTALL | re.MULTILINE))
RUNS = ("original", "ticket", "saved")
COMMANDS = [line.strip() for line in re.findall(r"^    (\S.*)$", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL), re.M)]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The page's files in a folder where Python finds them, with the metadata that `pip install` would write."""
    folder = tmp_path_factory.mktemp("powers")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    information = folder / "lottery_powers-0.1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: lottery-powers\nVersion: 0.1.0\n")
    (group,) = re.findall(
        r"^\[project\.entry-points\.lottery_plugins\]\n(.*?)\n?$", FILES["pyproject.toml"], re.M | re.S
    )
    (information / "entry_points.txt").write_text(f"[lottery_plugins]\n{group.replace(chr(34), '')}\n")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.split(".")[0] in ("lottery_powers", "test_powers")]:
        del sys.modules[name]


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A tiny model instead of the page's, in a folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LOTTERY_CACHE", str(tmp_path / "cache"))
    folder = save_tiny_model(tmp_path / "tiny")
    (folder / "chat_template.jinja").write_text("{% for m in messages %}{{ m['content'] }} {% endfor %}")
    return str(folder)


def commands(program, model):
    """The page's commands that begin with this word."""
    filled = [command.replace("$MODEL", model) for command in COMMANDS]
    return [shlex.split(command)[1:] for command in filled if command.split()[0] == program]


def evaluate(words):
    """`lm-eval run` as written, but on two documents and with short contexts."""
    given = dict(pairwise(words))
    arguments = dict(pair.split("=", 1) for pair in given["--model_args"].split(","))
    run = HarnessRun(
        model_args={**arguments, "device": "cpu"},
        tasks=given["--tasks"].split(","),
        output_path=given["--output_path"],
        limit=2,
        apply_chat_template="--apply_chat_template" in words,
        metadata={"needle_lengths": [128]},
    )
    assert given["--model"] == "lottery"
    harness.evaluate(run)


@pytest.mark.parametrize(
    "name", ["test_powers_keeps_the_contract", "test_powers_can_be_saved", "test_value_norm_keeps_the_contract"]
)
def test_the_pages_test_passes(package, name):
    import test_powers

    getattr(test_powers, name)()


def test_each_method_is_at_most_forty_lines(package):
    module, layer = FILES["lottery_powers/__init__.py"], FILES["lottery_powers/layer.py"]
    weights, cache = module.split("class ValueNorm")
    code = [[line for line in text.splitlines() if line.strip()] for text in (weights + layer, cache)]
    assert len(code[0]) <= 45
    assert len(code[1]) <= 20


def test_the_pages_commands_do_what_it_says(package, model, capsys):
    done = {words[0]: main(words) for words in commands("lottery", model) if words[0] != "compare"}
    assert done == {"plugins": 0, "compress": 0}
    assert "one byte each" in capsys.readouterr().out
    record = read_record("smol-powers")
    assert record["after"]["other"] < 0.3 * record["before"]["other"]
    for words in commands("lm-eval", model):
        evaluate(words)
    (compare,) = [words for words in commands("lottery", model) if words[0] == "compare"]
    assert main(compare) == 0
    shown = capsys.readouterr().out
    assert re.search(r"ticket +\S+ MB \(0\.\d\d\)", shown)
    original, ticket, saved = (json.loads(next(Path("runs", name).rglob("ledger.json")).read_text()) for name in RUNS)
    assert ticket["weights"] == saved["weights"]
    assert ticket["compressed_kv_bytes_per_token"] < original["compressed_kv_bytes_per_token"]


def test_the_page_names_no_other_command():
    assert {command.split()[0] for command in COMMANDS} == {
        "python",
        "pip",
        "lottery",
        "pytest",
        "MODEL=HuggingFaceTB/SmolLM2-135M-Instruct",
        "lm-eval",
    }
