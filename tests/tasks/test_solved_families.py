"""What holds for every family whose prompts begin with solved examples: same documents everywhere, gold is right."""

import hashlib
import importlib
import json
from collections import Counter
from functools import lru_cache

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.tasks.walk import Walk
from tests.tasks.solved_families import FAMILIES, TASK_YAML, hard_knobs, module_of, rows

GOLDEN = "18baa8348f823309fe201a556447ef9c326913547d5c90ab2d4d0720a5ccbccf"


def test_documents_are_what_they_were_when_the_version_was_published():
    text = json.dumps({name: rows(name, num_docs=20) for name in FAMILIES}, sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest() == GOLDEN


@pytest.mark.parametrize("name", FAMILIES)
def test_a_solved_familys_document_does_not_depend_on_how_many_are_made(name):
    assert rows(name, num_docs=5) == rows(name, num_docs=30)[:5]


@pytest.mark.parametrize("name", FAMILIES)
def test_another_seed_gives_other_problems(name):
    first, second = rows(name, num_docs=60), rows(name, num_docs=60, data_seed=1)
    assert sum(a["question"] == b["question"] for a, b in zip(first, second, strict=True)) < 25


@pytest.mark.parametrize("name", FAMILIES)
def test_few_shot_examples_are_not_among_the_tested_problems(name):
    splits = module_of(name).build(num_docs=200)
    tested, shown = ({row["examples"] + row["question"] for row in splits[split]} for split in ("test", "train"))
    assert len(tested) == 200
    assert not tested & shown


@pytest.mark.parametrize("name", FAMILIES)
def test_the_number_of_solved_examples_follows_the_knob_and_none_is_the_problem_itself(name):
    for count in (0, 3):
        for row in rows(name, num_docs=12, num_solved=count):
            assert row["examples"].count("\nAnswer: ") == count
            assert f"Question: {row['question']}\nAnswer" not in row["examples"]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_gold_answer_scores_one_at_every_difficulty(name):
    for row in [*many_rows(name)[:120], *rows(name, num_docs=24, **hard_knobs(name))]:
        assert set(module_of(name).score(row, [row["answer"]]).values()) <= {1.0, None}, row


@pytest.mark.parametrize("name", FAMILIES)
def test_the_axes_of_the_task_file_are_walked_evenly_in_all_templates(name):
    axes = yaml.load(task_file(name), Loader=PlainLoader)["metadata"]["lottery"]["axes"]
    table = many_rows(name)
    for field in [*axes, "template"]:
        counts = Counter(row[field] for row in table)
        assert len(counts) > 1
        assert min(counts.values()) > len(table) / len(counts) / 4, (field, counts)


@lru_cache
def many_rows(name):
    return rows(name, num_docs=720, num_solved=0)


ROWS = {name: rows(name, num_docs=12, num_solved=0) for name in FAMILIES}


@given(st.sampled_from(sorted(FAMILIES)), st.integers(0, 11), st.text(max_size=300))
def test_no_text_raises_and_every_score_is_a_share(name, index, text):
    row = ROWS[name][index]
    for said in (text, f"Answer: {text}", f"{text}\n{row['answer']}"):
        scores = module_of(name).score(row, [said])
        assert all(score is None or 0.0 <= score <= 1.0 for score in scores.values())


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.timeout(20)
def test_long_hostile_text_is_read_fast(name):
    for piece in ("Answer: ", " 1", "semester 1 ", "a(", "unknown ", "then ", "\n", "do not ", "bb"):
        module_of(name).score(ROWS[name][0], [piece * 20_000])


@given(st.integers(0, 10**6), st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_a_walk_visits_every_cell_once_before_it_comes_back(start, sizes):
    cells = 1
    for size in sizes:
        cells *= size
    visited = set()
    for index in range(start, start + cells):
        walk = Walk(index)
        visited.add(tuple(walk.along(range(size)) for size in sizes))
    assert len(visited) == cells


class PlainLoader(yaml.SafeLoader):
    """Reads a task file and leaves its functions alone."""


PlainLoader.add_constructor("!function", lambda loader, node: node.value)


def task_file(name):
    return next(TASK_YAML.rglob(f"{FAMILIES[name]}.yaml")).read_text()


def test_every_family_is_in_a_module_of_its_own():
    assert len({importlib.import_module(f"lottery_plugins.tasks.{name}") for name in FAMILIES}) == len(FAMILIES)
