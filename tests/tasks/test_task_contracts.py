"""Every task file keeps the contract; the contract itself catches what it should."""

import gzip
import json
from dataclasses import fields
from pathlib import Path

import pytest

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.tasks import arithmetic, invented_facts, operations
from lottery_plugins.tasks.long_context import aggregates, hops, stories, trees, variables
from lottery_plugins.tasks.machines import automata, containers, programs, sorting, strings, turing
from lottery_plugins.tasks.paper import babilong, reading
from lottery_plugins.tasks.paper_rows import PaperKnobs
from lottery_plugins.tasks.planning import courses, delegation, hanoi, routes, schedule
from lottery_plugins.tasks.resources import known_unknown, tool_choice
from lottery_plugins.tasks.retrieval import needle, pairs, passages
from lottery_plugins.testing.contracts.task import check_task

TASK_YAML = Path(__file__).parents[2] / "task_yaml"
OFFLINE = sorted(path.stem for path in TASK_YAML.rglob("lottery_*.yaml"))


@pytest.mark.parametrize("name", OFFLINE)
def test_offline_task_keeps_the_contract(name):
    check_task(name, include_path=TASK_YAML)


@pytest.fixture
def squad_folder(tmp_path):
    rows = [
        {"id": str(i), "question": f"What is thing {i}?", "answers": [f"answer{i}", f"item{i}"], "gold_id": f"page#{i}"}
        for i in range(60)
    ]
    (tmp_path / "rag").mkdir()
    with gzip.open(tmp_path / "rag" / "squad_questions.dev.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return tmp_path


def test_squad_keeps_the_contract_on_a_users_file(squad_folder):
    metadata = {"data_dir": str(squad_folder)}
    check_task("lottery-paper-squad", include_path=TASK_YAML, metadata=metadata, is_listing_allowed=True)


def load(name, **metadata):
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(TASK_YAML), include_defaults=False, metadata=metadata or None)
    return manager.load([name])


def test_the_glob_loads_every_offline_task_once():
    assert len(load("lottery")["tasks"]) == len(OFFLINE)
    assert set(load("lottery")["tasks"]) == set(OFFLINE)


def test_every_ability_has_a_tag_with_its_tasks():
    for tag in ("retrieval", "resources", "planning", "operations", "long-context"):
        assert load(f"lottery-{tag}")["tasks"]


def test_squad_without_a_folder_says_what_to_do(monkeypatch):
    monkeypatch.delenv("LOTTERY_DATA_DIR", raising=False)
    with pytest.raises(DataError, match="LOTTERY_DATA_DIR"):
        load("lottery-paper-squad")


def test_squad_finds_its_folder_in_the_environment(monkeypatch, squad_folder):
    monkeypatch.setenv("LOTTERY_DATA_DIR", str(squad_folder))
    assert len(load("lottery-paper-squad")["tasks"]["lottery-paper-squad"].eval_docs) == 40


def test_squad_names_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        load("lottery-paper-squad", data_dir=str(tmp_path))


@pytest.mark.parametrize(
    "line", ["no json", "[1]", '{"id": 1}', '{"id":"1","question":"q","answers":[],"gold_id":"g"}']
)
def test_squad_names_the_broken_line(squad_folder, line):
    with gzip.open(squad_folder / "rag" / "squad_questions.dev.jsonl.gz", "at") as file:
        file.write(line + "\n")
    with pytest.raises(DataError, match="line 61"):
        load("lottery-paper-squad", data_dir=str(squad_folder))


def test_squad_file_that_is_no_gzip_is_one_sentence(squad_folder):
    (squad_folder / "rag" / "squad_questions.dev.jsonl.gz").write_text("plain")
    with pytest.raises(DataError, match="gzip"):
        load("lottery-paper-squad", data_dir=str(squad_folder))


def test_knobs_reach_the_task():
    task = load("lottery_needle", num_docs=7, needle_lengths="64+128", needle_depths=[0.5])["tasks"]["lottery_needle"]
    assert len(task.eval_docs) == 7
    assert {doc["length"] for doc in task.eval_docs} == {64, 128}
    assert {doc["depth"] for doc in task.eval_docs} == {0.5}


def test_misspelt_knob_stops_the_run():
    with pytest.raises(ConfigError, match="Did you mean 'needle_lengths'"):
        load("lottery_needle", needle_lenghts=[64])


BROKEN = """
task: {name}
tag: {tag}
custom_dataset: !function lottery_plugins.tasks.arithmetic.build
test_split: test
fewshot_split: {fewshot}
output_type: generate_until
doc_to_text: "{prompt}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["\\n"], do_sample: {sample}, max_gen_toks: 8}}
process_results: !function lottery_plugins.tasks.{scorer}
metric_list:
  - {{metric: acc, aggregation: mean, higher_is_better: true}}
metadata:
  version: 1.0
  lottery: {{ability: {ability}, question: question, margin: 0.05, chance: 0.0}}
"""
GOOD = {
    "name": "my_task",
    "tag": "my-tag",
    "fewshot": "train",
    "prompt": "{{question}}\\nAnswer:",
    "sample": "false",
    "scorer": "arithmetic.score",
    "ability": "resources",
}


def check_written(folder, **changes):
    (folder / "README.md").write_text("`my_task` is a task.")
    (folder / "my_task.yaml").write_text(BROKEN.format(**{**GOOD, **changes}))
    check_task("my_task", include_path=folder)


def test_contract_passes_a_sound_task(tmp_path):
    check_written(tmp_path)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"tag": "lottery_all"}, "met twice"),
        ({"fewshot": "test"}, "split of its own"),
        ({"prompt": "{{question}} {{answer}}\\nSay it:"}, "last line"),
        ({"prompt": "What?\\nAnswer:"}, "two prompts"),
        ({"sample": "true"}, "do_sample"),
        ({"scorer": "retrieval.needle.score"}, "answers"),
        ({"ability": "magic"}, "ability"),
    ],
)
def test_contract_catches(tmp_path, changes, rule):
    with pytest.raises((AssertionError, KeyError), match=rule):
        check_written(tmp_path, **changes)


def test_contract_catches_a_task_that_connects(tmp_path):
    (tmp_path / "online.py").write_text(
        "import socket\ndef build(**metadata):\n    socket.create_connection(('127.0.0.1', 9), timeout=1)\n"
    )
    text = BROKEN.format(**GOOD).replace("lottery_plugins.tasks.arithmetic.build", "online.build")
    (tmp_path / "my_task.yaml").write_text(text)
    with pytest.raises(AssertionError, match="network"):
        check_task("my_task", include_path=tmp_path)


KNOBS = {
    "retrieval": [needle.NeedleKnobs, pairs.PairsKnobs, passages.PassagesKnobs],
    "resources": [
        arithmetic.ArithmeticKnobs,
        invented_facts.FactsKnobs,
        known_unknown.KnownKnobs,
        tool_choice.ChoiceKnobs,
    ],
    "operations": [
        operations.OperationsKnobs,
        automata.AutomataKnobs,
        containers.ContainersKnobs,
        programs.ProgramsKnobs,
        sorting.SortingKnobs,
        strings.StringsKnobs,
        turing.TuringKnobs,
    ],
    "long_context": [
        aggregates.AggregateKnobs,
        hops.HopsKnobs,
        stories.StoryKnobs,
        trees.TreeKnobs,
        variables.VariablesKnobs,
    ],
    "planning": [
        courses.CoursesKnobs,
        delegation.DelegationKnobs,
        hanoi.HanoiKnobs,
        routes.RoutesKnobs,
        schedule.ScheduleKnobs,
    ],
    "paper": [PaperKnobs, babilong.BabilongKnobs, reading.TriviaKnobs],
}


def test_every_family_folder_is_listed():
    assert {path.parent.name for path in TASK_YAML.glob("*/*.yaml")} == set(KNOBS)


@pytest.mark.parametrize("folder", KNOBS)
def test_readme_names_every_task_knob_and_default(folder):
    text = (TASK_YAML / folder / "README.md").read_text()
    for path in (TASK_YAML / folder).glob("*.yaml"):
        assert f"`{path.stem}`" in text
    for knob in (field for kind in KNOBS[folder] for field in fields(kind)):
        assert f"`{knob.name}`" in text
        row = next((line for line in text.splitlines() if line.startswith(f"| `{knob.name}` |")), None)
        values = knob.default if isinstance(knob.default, tuple) else ()
        default = ", ".join(value if isinstance(value, str) else f"{value:g}" for value in values) or None
        assert row is None or default is None or f"| {default} |" in row


def test_squad_number_of_questions_follows_the_knob(squad_folder):
    task = load("lottery-paper-squad", data_dir=str(squad_folder), num_docs=5)["tasks"]["lottery-paper-squad"]
    assert len(task.eval_docs) == 5
