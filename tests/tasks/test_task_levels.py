"""The easiest level of each family, and what a blind guesser picks from."""

from dataclasses import fields
from math import factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.errors import ConfigError
from lottery_plugins.tasks.guesses import MOST, arrangements, choices
from lottery_plugins.tasks.knobs import read_knobs
from lottery_plugins.tasks.long_context import aggregates, stories
from lottery_plugins.tasks.machines import sorting, turing
from lottery_plugins.tasks.planning import courses, routes, schedule
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import value_score
from tests.tasks.test_task_contracts import KNOBS

KINDS = [kind for kinds in KNOBS.values() for kind in kinds]


@pytest.mark.parametrize("kind", KINDS)
def test_the_easiest_level_is_the_first_value_of_every_graded_knob(kind):
    usual, easy = read_knobs(kind, "any", {}), read_knobs(kind, "any", {"easiest": 1})
    for field in fields(kind):
        before, after = getattr(usual, field.name), getattr(easy, field.name)
        if isinstance(before, tuple) and field.metadata["is_graded"]:
            assert after == before[:1]
        elif field.name != "easiest":
            assert after == before


def test_the_easiest_level_is_the_first_of_the_values_that_were_asked_for():
    knobs = read_knobs(routes.RoutesKnobs, "routes", {"easiest": 1, "routes_roads": [7, 2]})
    assert knobs.routes_roads == (7,)


def test_a_level_that_is_not_there_is_an_error():
    with pytest.raises(ConfigError, match="easiest"):
        read_knobs(routes.RoutesKnobs, "routes", {"easiest": 2})


@pytest.mark.parametrize(
    ("module", "axes"),
    [
        (routes, {"roads": 3, "told": 1, "detours": 3}),
        (sorting, {"template": "digit", "items": 4}),
        (turing, {"template": "rule", "steps": 1}),
        (aggregates, {"kind": "common", "lead": "large", "items": 6, "style": "noise"}),
        (stories, {"form": "once", "people": 1, "events": 5, "style": "noise"}),
    ],
)
def test_easiest_documents_have_one_level_of_each_axis(module, axes):
    for row in module.build(num_docs=12, easiest=1)["test"]:
        assert {axis: row[axis] for axis in axes} == axes


@given(st.integers(0, 999), st.integers(1, 7), st.data())
def test_arrangements_are_all_there_are_or_a_random_part_of_them(seed, size, data):
    count = data.draw(st.integers(0, size))
    found = arrangements(Rng(seed), "abcdefg"[:size], count)
    number = factorial(size) // factorial(size - count)
    assert len(found) == min(number, MOST)
    assert number > MOST or len(set(found)) == number
    assert all(len(set(one)) == len(one) == count for one in found)


@given(st.integers(0, 999), st.lists(st.integers(1, 5), max_size=4))
def test_choices_take_one_of_each_axis(seed, sizes):
    axes = ["abcde"[:size] for size in sizes]
    found = choices(Rng(seed), *axes)
    assert 1 <= len(found) <= MOST
    assert all(one in axis for way in found for one, axis in zip(way, axes, strict=True))
    assert len(found) == MOST or len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("module", "knobs", "chance"),
    [
        (schedule, {"schedule_steps": 3, "schedule_told": 1}, 1 / 6),
        (schedule, {"schedule_steps": 4, "schedule_told": 1}, 1 / 24),
        (courses, {"courses_semesters": 3, "courses_width": 1}, 1 / 6),
        (courses, {"courses_semesters": 2, "courses_width": 1}, 1 / 2),
    ],
)
def test_the_chance_of_small_problems_is_exact(module, knobs, chance):
    for row in module.build(num_docs=8, **knobs)["test"]:
        scores = [module.score(row, [guess])["acc"] for guess in row["candidates"]]
        assert sum(scores) / len(scores) == pytest.approx(chance)


def test_candidates_change_no_document():
    """They are drawn from a stream of their own, which follows the question."""
    rows = routes.build(num_docs=3, num_solved=0)["test"]
    again = routes.build(num_docs=3, num_solved=1)["test"]
    assert [row["candidates"] for row in rows] == [row["candidates"] for row in again]


def test_somebody_who_settled_stays_where_the_story_says():
    for row in stories.build(num_docs=6, stories_forms="once", stories_events=40, stories_people=3)["test"]:
        who = row["question"].split()[2]
        said = [line for line in row["context"].split(".") if who in line and "the " + row["answer"] in line]
        assert len(said) == 1
        assert stories.score(row, [f"{who} went to the {row['answer']}."])["acc"] == 1.0


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("It is in Rome.\n\nThe answer is", 1.0),
        ("Ruth is in Rome.\n\nThe answer is: Ruth is", 1.0),
        ("It is in Paris.\n\nThe answer is: Ruth is", 0.0),
        ("It is in Paris.\n\nThe answer is: Rome", 1.0),
    ],
)
def test_an_answer_that_was_cut_off_after_its_mark_is_read_before_it(text, score):
    assert value_score(text, ["Rome"], ["Paris", "Oslo"]) == score
