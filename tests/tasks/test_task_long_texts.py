"""Retrieval and long-context tasks: the text holds the answer, the grid is covered, scorers are exact."""

import hashlib
import json
import re
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_solvers import aggregate, chain, found, named, needles, pair, passage, story, tree, variable

from lottery_plugins.errors import ConfigError
from lottery_plugins.tasks.design import Design
from lottery_plugins.tasks.haystack import STYLES, Fact, about_tokens, hide
from lottery_plugins.tasks.listing import number_names
from lottery_plugins.tasks.long_context import aggregates, hops, stories, trees, variables
from lottery_plugins.tasks.long_context.worlds import live
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.retrieval import needle, pairs, passages
from lottery_plugins.tasks.words import CITIES, NAMES, ROOMS, THINGS, VALUES

# family: how its documents are made, a solver that reads the prompt alone, the scorer
FAMILIES = {
    "needle": (needle.build, needles, needle.score),
    "needle_single": (needle.build_single, needles, needle.score),
    "needle_values": (needle.build_values, needles, needle.score_values),
    "needle_queries": (needle.build_queries, needles, needle.score_queries),
    "pairs": (pairs.build, pair, pairs.score),
    "passages": (passages.build, passage, passages.score),
    "hops": (hops.build, chain, hops.score),
    "variables": (variables.build, variable, variables.score),
    "aggregate": (aggregates.build, aggregate, aggregates.score),
    "stories": (stories.build, story, stories.score),
    "tree": (trees.build, tree, trees.score),
}
HARDER = {
    "hops_chains": 6,
    "hops_lengths": 64,
    "variables_links": [0, 7],
    "variables_chains": 5,
    "aggregate_items": [5, 40],
    "tree_depths": [0, 4],
    "tree_strangers": 0,
    "stories_events": [7, 40],
    "needle_distractors": 12,
    "needle_values": 3,
    "needle_queries": 4,
    "needle_depths": 0.4,
    "pairs_counts": [2, 90],
    "passages_counts": [1, 24],
    "passages_fillers": 0,
}
"""Values at the ends of what knobs allow."""


def rows(family, **metadata):
    return list(FAMILIES[family][0](**{"num_docs": 60, **metadata})["test"])


def without_id(row):
    return json.dumps({key: value for key, value in row.items() if key != "id"}, sort_keys=True)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("metadata", [{}, HARDER], ids=["default", "harder"])
def test_a_reader_of_the_prompt_alone_gets_everything_right(family, metadata):
    own = {key: value for key, value in metadata.items() if key.startswith(family.split("_")[0])}
    _, solve, score = FAMILIES[family]
    for row in rows(family, **own):
        assert set(score(row, [solve(row)]).values()) == {1.0}, (row["question"], row["answer"])


@pytest.mark.parametrize("family", FAMILIES)
def test_wrong_candidates_score_nothing(family):
    _, _, score = FAMILIES[family]
    for row in rows(family):
        wrong = [guess for guess in row["candidates"] if sorted(guess.split(", ")) != sorted(row["answer"].split(", "))]
        assert [score(row, [guess])["acc"] for guess in wrong] == [0.0] * len(wrong)


TABLES = {family: rows(family, num_docs=24) for family in FAMILIES}


@given(text=st.text(max_size=300), number=st.integers(0, 23))
def test_any_text_gets_a_score_between_0_and_1(text, number):
    for family, (_, _, score) in FAMILIES.items():
        assert all(0.0 <= value <= 1.0 for value in score(TABLES[family][number], [text]).values())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_document_depends_on_seed_and_index_alone(family):
    assert rows(family, num_docs=5) == rows(family, num_docs=60)[:5]
    first, second = rows(family), rows(family, data_seed=1)
    assert not {without_id(row) for row in first} & {without_id(row) for row in second}


@pytest.mark.parametrize("family", FAMILIES)
def test_examples_are_not_among_the_tested(family):
    splits = FAMILIES[family][0](num_docs=200)
    tested, examples = ({without_id(row) for row in splits[name]} for name in ("test", "train"))
    assert len(tested) == 200
    assert not tested & examples


GOLDEN = {
    "needle": "a4e700d861f07d49",
    "needle_single": "fa636b126e1c2ab8",
    "needle_values": "85c2ed700ba1cd1e",
    "needle_queries": "52f06c082d595e7e",
    "pairs": "811c32a3b91de53f",
    "passages": "3c594a504a77cc48",
    "hops": "53ab9d42d6b6d53b",
    "variables": "a64aef579df50ddf",
    "aggregate": "6c262757b7a0203f",
    "stories": "77485fd87ae435c6",
    "tree": "2ea87ca2ed26a6c8",
}


@pytest.mark.parametrize("family", GOLDEN)
def test_documents_are_what_they_were_when_this_version_was_published(family):
    text = json.dumps(rows(family, num_docs=20), sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == GOLDEN[family]


# ------------------------------------------------------------------------------------------------------- design


def test_the_grid_is_walked_and_mixed_axes_are_balanced_and_tied_to_nothing():
    design = Design("f", {"a": [1, 2, 3], "b": "xy"}, {"c": [1, 2, 3], "d": "pq"})
    levels = [design.levels(i) for i in range(360)]
    assert [(at["a"], at["b"]) for at in levels[:6]] == [(1, "x"), (2, "x"), (3, "x"), (1, "y"), (2, "y"), (3, "y")]
    assert all(Counter(at["c"] for at in levels[i : i + 3]) == {1: 1, 2: 1, 3: 1} for i in range(0, 360, 3))
    pairs_met = Counter((at["a"], at["c"]) for at in levels)
    assert len(pairs_met) == 9
    assert all(20 < count < 60 for count in pairs_met.values())


def test_needle_grid_is_covered_and_the_needle_stands_at_its_depth():
    table = rows("needle", num_docs=30)
    assert len({(row["length"], row["depth"]) for row in table[:15]}) == 15
    for row in table:
        at = row["context"].index(row["answer"]) / len(row["context"])
        assert abs(at - row["depth"]) < 0.25, row["depth"]
        assert row["context"].count(row["answer"]) == 1


@pytest.mark.parametrize("family", [family for family in FAMILIES if family.split("_")[0] not in ("pairs", "passages")])
def test_length_follows_the_knob(family):
    knob = f"{family.split('_')[0]}_lengths"
    texts = {length: rows(family, **{knob: length, "num_docs": 24}) for length in (1024, 8192)}
    for length, table in texts.items():
        mean = sum(about_tokens(row["context"]) for row in table) / len(table)
        assert mean == pytest.approx(length, rel=0.1)


# ------------------------------------------------------------------------------------------------------ haystack


@given(st.sampled_from(STYLES), st.integers(1000, 2000), st.lists(st.floats(0, 1) | st.none(), max_size=8))
def test_every_fact_stands_in_the_text_once_and_in_the_order_of_its_places(style, tokens, places):
    facts = [Fact(f"Fact {i} of us.", place) for i, place in enumerate(places)]
    text = hide(Rng("hide", tokens), style, tokens, facts)
    assert all(text.count(fact.text) == 1 for fact in facts)
    order = sorted((fact for fact in facts if fact.place is not None), key=lambda fact: fact.place)
    at = [text.index(fact.text) for fact in order]
    assert all(
        i < j for (i, a), (j, b) in pairwise(zip(at, order, strict=True)) if a.place < b.place - 1 / 50 or a is b
    )


@pytest.mark.parametrize("style", STYLES)
def test_a_haystack_holds_no_candidate_of_any_task(style):
    said = set(re.findall(r"\w+", hide(Rng("h"), style, 60_000, []).casefold()))
    lists = {word.casefold() for word in (*NAMES, *VALUES, *THINGS, *ROOMS, *CITIES)}
    assert not said & lists
    assert not any(character.isdigit() for character in "".join(said))


# ------------------------------------------------------------------------------------------------------ families


def test_single_needle_is_the_only_one():
    for row in rows("needle_single", needle_kinds="number"):
        assert re.findall(r"\d+", row["context"]) == [row["answer"]]


def test_hops_need_as_many_facts_as_they_say():
    for row in rows("hops"):
        template = named(hops.TEMPLATES, row)
        links = {hit["b"]: hit["a"] for hit in found(template.link, row["context"])}
        ends = [hit for hit in found(template.end, row["context"]) if hit["b"].removeprefix("the ") == row["answer"]]
        assert len(ends) == 1
        at, steps = ends[0]["a"], 1
        while f"the {at}" in links or at in links:
            at, steps = links.get(f"the {at}") or links[at], steps + 1
        assert steps == row["hops"]
        assert at.removeprefix("the ") in row["question"]


def test_hops_of_a_forward_chain_stand_in_order():
    for row in rows("hops", hops_orders="forward", hops_counts=4, hops_lengths=512):
        template = named(hops.TEMPLATES, row)
        links = [(hit["a"], hit["b"]) for hit in found(template.link, row["context"])]
        followers = dict(links)
        for a, b in links:
            if b in followers:
                assert links.index((a, b)) < links.index((b, followers[b]))


def test_counts_and_stories_with_few_answers_are_balanced():
    counts = Counter(
        row["answer"] for row in rows("aggregate", num_docs=600, aggregate_kinds="count", aggregate_items=8)
    )
    assert set(counts) == set("12345")
    assert min(counts.values()) > 80
    yes = Counter(row["answer"] for row in rows("stories", num_docs=400, stories_forms="yes-no"))
    assert 140 < yes["yes"] < 260
    carried = Counter(row["answer"] for row in rows("stories", num_docs=400, stories_forms="count"))
    assert min(carried["0"], carried["1"], carried["2"]) > 100


@given(st.integers(0, 10**6), st.integers(1, 40))
def test_in_a_world_things_are_where_their_holders_are(seed, count):
    world = live(Rng(seed), ["Ida", "Ben"], ["ball", "key"], ["attic", "cellar", "kitchen"], count)
    assert len(world.events) == count
    for thing, holder in world.holder.items():
        assert not holder or world.rooms_of[thing][-1] == world.people[holder]
        assert all(a != b for a, b in pairwise(world.rooms_of[thing]))


def test_unknown_word_for_a_knob_names_what_is_allowed():
    with pytest.raises(ConfigError, match="Did you mean 'records'"):
        needle.build(needle_styles="record")
    with pytest.raises(ConfigError, match="metadata: hops_orders"):
        hops.build(hops_orders=["forward", 3])
    assert {row["kind"] for row in rows("needle", needle_kinds="uuid+word")} == {"uuid", "word"}


def test_counts_are_read_as_digits_and_words():
    assert number_names(3) == ["3", "three"]
    assert number_names(40) == ["40"]
    row = next(row for row in rows("aggregate") if row["kind"] == "count" and row["answer"] == "3")
    for said in ("3", "Three.", "There are three people in the mill.", "**3** people"):
        assert aggregates.score(row, [said])["acc"] == 1.0, said
    for said in ("4", "two", "three or four", "3, 4", "33", "none"):
        assert aggregates.score(row, [said])["acc"] == 0.0, said


def test_carrying_nothing_may_be_said_in_words():
    row = next(row for row in rows("stories", stories_forms="count") if row["answer"] == "0")
    for said in ("0", "zero", "None.", "Nothing", "No things."):
        assert stories.score(row, [said])["acc"] == 1.0, said
    assert stories.score(row, ["one"])["acc"] == 0.0
    assert stories.score(row, ["two things"])["acc"] == 0.0


def test_names_of_no_variable_are_wrong_names():
    row = next(row for row in rows("variables") if row["ask"] == "names" and row["links"] == 2)
    assert variables.score(row, ["VAR " + " and VAR ".join(row["answers"])])["acc"] == 1.0
    assert variables.score(row, [row["answer"].lower()])["acc"] == 1.0
    assert variables.score(row, [f"{row['answer']}, QQQ"])["acc"] == 0.0
