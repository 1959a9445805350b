"""Tasks of the paper's tables: they keep the contract, read a user's folder or the hub, and name what is broken."""

import gzip
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from lm_eval.tasks import TaskManager

from lottery_plugins.errors import DataError
from lottery_plugins.tasks import tool_selection
from lottery_plugins.tasks.paper import (
    asqa,
    babilong,
    choices,
    instructions,
    open_questions,
    reading,
    strategyqa,
    summaries,
    word_problems,
)
from lottery_plugins.testing.contracts.task import check_task
from tests.tasks.paper_folder import NUMBER_OF_ROWS, gsm8k, multiple, svamp, write_folder, write_rows

TASK_YAML = Path(__file__).parents[2] / "task_yaml"
BUILDS = {
    "addsub": word_problems.build_addsub,
    "ar-lsat": choices.build_ar_lsat,
    "asdiv": word_problems.build_asdiv,
    "asqa": asqa.build,
    "babilong": babilong.build,
    "folio": choices.build_folio,
    "freebaseqa": open_questions.build_freebaseqa,
    "gsm-hard": word_problems.build_gsm_hard,
    "gsm8k": word_problems.build_gsm8k,
    "hotpotqa": reading.build_hotpotqa,
    "instructions": instructions.build,
    "logical-deduction": choices.build_logical_deduction,
    "mmlu": choices.build_mmlu,
    "multiarith": word_problems.build_multiarith,
    "musique": reading.build_musique,
    "nq": open_questions.build_nq,
    "popqa": open_questions.build_popqa,
    "prontoqa": choices.build_prontoqa,
    "proofwriter": choices.build_proofwriter,
    "squad": open_questions.build_squad,
    "strategyqa": strategyqa.build,
    "summaries": summaries.build,
    "svamp": word_problems.build_svamp,
    "tool-selection": tool_selection.build,
    "triviaqa": reading.build_triviaqa,
}
LISTINGS = {  # functions of other documents are no functions; elsewhere the published rule
    *("tool-selection", "popqa", "nq", "squad", "freebaseqa", "asqa", "triviaqa", "hotpotqa", "musique")
}
LETTERS = {"prontoqa", "proofwriter", "folio", "logical-deduction", "ar-lsat", "mmlu"}
OPEN_ENDED = {"summaries", "instructions"}


def test_every_paper_task_is_tested_here():
    assert {f"lottery-paper-{name}" for name in BUILDS} == {path.stem for path in (TASK_YAML / "paper").glob("*.yaml")}


def test_the_glob_of_the_tasks_meets_no_tag_and_every_task_has_the_tag_of_a_table():
    manager = TaskManager(include_path=str(TASK_YAML), include_defaults=False)
    assert set(manager.match_tasks(["lottery-paper-*"])) == {f"lottery-paper-{name}" for name in BUILDS}
    tags = {tag for tag in manager.all_tags if tag.startswith("lottery-table-")}
    assert tags == {f"lottery-table-{name}" for name in ("arithmetic", "knowledge", "logic", "relatives")}
    tagged = [name for tag in tags for name in manager.task_index[tag].tags]
    assert sorted(tagged) == sorted(f"lottery-paper-{name}" for name in BUILDS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("paper"))


@pytest.mark.parametrize("name", BUILDS)
def test_paper_task_keeps_the_contract_on_a_users_folder(name, folder):
    check_task(
        f"lottery-paper-{name}",
        include_path=TASK_YAML,
        metadata={"data_dir": str(folder)},
        is_answer_in_question=name in LETTERS,
        is_listing_allowed=name in LISTINGS,
        is_open_ended=name in OPEN_ENDED,
    )


def test_all_rows_but_the_few_shot_ones_are_test_rows_in_an_order_of_the_seed(folder):
    first, again = (word_problems.build_gsm8k(data_dir=str(folder)) for _ in range(2))
    other = word_problems.build_gsm8k(data_dir=str(folder), data_seed=1)
    assert len(first["test"]) + len(first["train"]) == NUMBER_OF_ROWS
    assert list(first["test"]) == list(again["test"])
    assert list(first["test"]) != list(other["test"])


def test_few_shot_examples_of_tools_show_a_choice_an_abstention_and_a_lone_function(folder):
    train = tool_selection.build(data_dir=str(folder))["train"]
    assert [row["category"] for row in train][:3] == ["multiple", "irrelevance", "simple"]


@pytest.mark.parametrize("name", BUILDS)
def test_a_folder_without_the_file_says_what_it_must_hold(name, tmp_path, monkeypatch):
    monkeypatch.setenv("LOTTERY_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"does not exist.*\.jsonl\.gz"):
        BUILDS[name]()


def test_a_folder_may_begin_at_the_users_home(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    assert len(word_problems.build_gsm8k(data_dir=f"~/{folder.name}")["test"])


def test_two_files_of_one_set_are_refused_by_name(tmp_path):
    for name in ("gsm8k.jsonl", "gsm8k.old.jsonl.gz"):
        write_rows(tmp_path / name, [gsm8k(i) for i in range(30)])
    with pytest.raises(DataError, match=r"gsm8k\.jsonl, gsm8k\.old\.jsonl\.gz"):
        word_problems.build_gsm8k(data_dir=str(tmp_path))


@pytest.mark.parametrize(
    "row",
    [
        {"question": "no answer"},
        {"question": "q", "answer": "no mark"},
        {"question": "q", "answer": "#### many"},
        {"question": 5, "answer": "#### 5"},
        [1],
    ],
)
def test_a_broken_row_is_named_by_its_line(tmp_path, row):
    write_rows(tmp_path / "gsm8k.jsonl", [*(gsm8k(i) for i in range(30)), row])
    with pytest.raises(DataError, match="line 31"):
        word_problems.build_gsm8k(data_dir=str(tmp_path))


@pytest.mark.parametrize(
    "change",
    [
        {"function": "[{}]"},
        {"function": "no json"},
        {"question": []},
        {"ground_truth": ""},
        {"ground_truth": '[{"a": {}}, {"b": {}}]'},
    ],
)
def test_a_row_of_functions_that_is_broken_is_named_by_its_line(tmp_path, folder, change):
    (tmp_path / "bfcl").mkdir()
    for name in ("simple_python.jsonl.gz", "irrelevance.jsonl"):
        (tmp_path / "bfcl" / name).write_bytes((folder / "bfcl" / name).read_bytes())
    write_rows(tmp_path / "bfcl" / "multiple.jsonl", [multiple(0), {**multiple(1), **change}])
    with pytest.raises(DataError, match=r"multiple\.jsonl, line 2"):
        tool_selection.build(data_dir=str(tmp_path))


def test_too_few_rows_are_refused(tmp_path):
    write_rows(tmp_path / "svamp.jsonl", [svamp(i) for i in range(20)])
    with pytest.raises(DataError, match="20 rows"):
        word_problems.build_svamp(data_dir=str(tmp_path))


def test_without_a_folder_the_hub_is_asked_for_the_published_split(monkeypatch):
    asked = []
    rows = [svamp(i) for i in range(30)]
    monkeypatch.setattr("datasets.load_dataset", lambda *a, **k: asked.append((a, k)) or rows)
    assert len(word_problems.build_svamp()["test"]) == 10
    assert asked == [(("ChilleD/SVAMP", None), {"split": "train+test"})]


@pytest.mark.parametrize("error", [ConnectionError, RuntimeError])
def test_a_hub_that_can_not_be_reached_says_how_to_do_without(monkeypatch, error):
    def fail(*args, **kwargs):
        raise error("no route")

    monkeypatch.setattr("datasets.load_dataset", fail)
    with pytest.raises(DataError, match=r"no route.*LOTTERY_DATA_DIR"):
        word_problems.build_gsm8k()


def test_a_set_that_is_not_on_the_hub_asks_for_a_folder():
    with pytest.raises(DataError, match="needs a data folder"):
        choices.build_logical_deduction()


def test_the_hubs_questions_are_joined_with_their_accepted_calls(tmp_path, folder, monkeypatch):
    by_name = {"simple": "simple_python.jsonl.gz", "multiple": "multiple.jsonl", "irrelevance": "irrelevance.jsonl"}
    local = tool_selection.build(data_dir=str(folder))
    asked = []
    for category, name in by_name.items():
        rows = json_rows(folder / "bfcl" / name)
        for row in rows:
            row["function"] = json.loads(row["function"])
        truths = [{"id": r["id"], "ground_truth": json.loads(r.pop("ground_truth") or "[]")} for r in rows]
        write_rows(tmp_path / f"BFCL_v3_{category}.json", rows)
        write_rows(tmp_path / "possible_answer" / f"BFCL_v3_{category}.json", truths)

    def fetch(repository, name, *, repo_type):
        asked.append((repository, repo_type))
        return str(tmp_path / name)

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(hf_hub_download=fetch))
    assert list(tool_selection.build()["test"]) == list(local["test"])
    assert set(asked) == {("gorilla-llm/Berkeley-Function-Calling-Leaderboard", "dataset")}


def json_rows(path):
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    return [json.loads(line) for line in text.splitlines()]
