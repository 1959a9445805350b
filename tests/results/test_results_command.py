import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from lottery_plugins.errors import ConfigError, DataError, LotteryError
from lottery_plugins.results.command import add_arguments, run
from lottery_plugins.results.comparison import STUDY_ARMS

ROOM = Path(__file__).parents[2] / "lottery_plugins" / "results"


def lottery_compare(*args):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([str(arg) for arg in args]))


@pytest.fixture
def three(runs):
    """An original, an equal ticket and a worse one."""
    rates = {"original": 60, "equal": 60, "worse": 20}
    return [runs.write(name, {"t": [1.0] * k + [0.0] * (100 - k)}) for name, k in rates.items()]


def test_runs_are_named_by_the_ends_of_their_paths_that_tell_them_apart(runs, capsys):
    folders = [runs.write(f"{model}/out", {"t": [1.0]}) for model in ("big", "small")]
    assert lottery_compare(*folders) == 0
    words = capsys.readouterr().out.split()
    assert {"big/out", "small/out"} <= set(words)


@pytest.mark.parametrize(("fail_on", "equal", "worse"), [(None, 0, 0), ("inferior", 0, 1), ("inconclusive", 0, 1)])
def test_exit_status_follows_fail_on(three, fail_on, equal, worse):
    original, same, bad = three
    extra = ["--fail-on", fail_on] if fail_on else []
    assert lottery_compare(original, same, *extra) == equal
    assert lottery_compare(original, same, bad, *extra) == worse


def test_an_inconclusive_ticket_fails_only_when_asked(runs):
    folders = [runs.write(name, {"t": [1.0, 0.0]}) for name in "ab"]
    assert lottery_compare(*folders, "--fail-on", "inferior") == 0
    assert lottery_compare(*folders, "--fail-on", "inconclusive") == 1


def test_study_folder_and_arms_are_the_same(runs, tmp_path):
    for arm in STUDY_ARMS[:3]:
        runs.write(arm, {"t": [1.0, 0.0]}, model_args=arm)
    one, other = tmp_path / "out" / "one.json", tmp_path / "other.json"
    assert lottery_compare("--study", tmp_path, "--json", one) == 0
    assert lottery_compare("--arms", *(f"{a}={tmp_path / a}" for a in STUDY_ARMS[:3]), "--json", other) == 0
    assert json.loads(one.read_text()) == json.loads(other.read_text())
    assert list(json.loads(one.read_text())["folders"]) == list(STUDY_ARMS[:3])


def test_in_a_study_the_exit_status_follows_the_ticket(runs, tmp_path):
    rates = dict(zip(STUDY_ARMS, (60, 60, 10, 60), strict=True))
    for arm, k in rates.items():
        runs.write(arm, {"t": [1.0] * k + [0.0] * (100 - k)}, model_args=arm)
    assert lottery_compare("--study", tmp_path, "--fail-on", "inconclusive") == 0


def test_markdown_is_written(three, tmp_path):
    lottery_compare(*three, "--markdown", tmp_path / "verdict.md", "--margin", "0.1")
    assert "margin 0.1" in (tmp_path / "verdict.md").read_text()


def test_a_file_that_cant_be_written_is_one_sentence(three, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="can't be written"):
        lottery_compare(*three, "--json", tmp_path / "file" / "x.json")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "got 'nothing', allowed is ORIGINAL TICKET"),
        (["original"], "two runs or more"),
        (["original", "original"], "different runs, each named once"),
        (["original", "worse", "--study", "."], "got 'RUN and --study'"),
        (["original", "missing"], "does not exist"),
        (["original", "worse", "--margin", "0"], r"--margin: got 0.0, allowed is a number in \(0, 1\]"),
        (["original", "worse", "--margin", "nan"], "--margin: got nan"),
        (["original", "worse", "--alpha", "0.7"], "--alpha: got 0.7"),
        (["original", "worse", "--metric", "f1"], "--metric: got 'f1', allowed is 'exact_match'"),
        (["original", "worse", "--exclude", "t"], "no task in common after leaving out t"),
        (["--study", "missing"], "is no folder"),
        (["--study", "."], "needs original-plain"),
        (["--arms", "original-plain"], "ARM=FOLDER"),
        (["--arms", "original-plain=original", "tiny=worse"], "got 'tiny'"),
    ],
)
def test_bad_input_is_one_clear_sentence_with_exit_status_2(three, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LotteryError, match=message) as caught:
        lottery_compare(*args)
    assert caught.value.exit_status == 2
    assert "\n" not in str(caught.value)


def test_margin_outside_its_range_names_the_option(three):
    with pytest.raises(ConfigError) as caught:
        lottery_compare(*three, "--margin", "1.01")
    assert caught.value.where == "--margin"


def test_the_room_loads_neither_torch_nor_lm_eval_nor_rich():
    modules = ",".join(f"lottery_plugins.results.{path.stem}" for path in ROOM.glob("[a-z]*.py"))
    code = f"import sys,{modules}; print({{'torch','transformers','lm_eval','rich','pluggy'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'pluggy'}", "pluggy comes with the package itself"
