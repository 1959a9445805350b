"""Answers that name several values: in any order or in one, with nothing beside them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.tasks.listing import list_score, recall_score, set_score
from lottery_plugins.tasks.words import VALUES


@pytest.mark.parametrize(
    "text",
    [
        "48213 and 60110",
        "The codes are 60110, 48,213.",
        "1. 48213\n2. 60110",
        "The 2 codes of the mill are:\n\n- **48213**\n- **60110**\n\nI hope this helps with 11111!",
        "It could be 11111.\nAnswer: 48213, 60110",
        "48213, 60110, 48213, 60110",
    ],
)
def test_a_set_is_read_however_it_is_written(text):
    assert set_score(text, ["48213", "60110"], ["11111"]) == 1.0


@pytest.mark.parametrize("text", ["48213", "48213 60110 77777", "", "48213, 11111, 60110"])
def test_a_set_with_one_too_few_or_too_many_scores_nothing(text):
    assert set_score(text, ["48213", "60110"], ["11111"]) == 0.0


VALUE = st.sampled_from(VALUES)


@given(st.lists(VALUE, min_size=1, max_size=5, unique=True), st.randoms(use_true_random=False), VALUE)
def test_sets_forget_order_and_lists_keep_it(gold, random, other):
    mixed = gold[:]
    random.shuffle(mixed)
    said = " and ".join(mixed)
    assert set_score(said, gold, VALUES) == 1.0
    assert list_score(said, gold, VALUES) == float(mixed == gold)
    assert set_score(f"{said} or {other}", gold, VALUES) == float(other in gold)


@given(st.lists(VALUE, min_size=2, max_size=5, unique=True))
def test_recall_is_the_share_that_is_named_and_nothing_beside_a_wrong_one(gold):
    assert recall_score(gold[0], gold, VALUES) == 1 / len(gold)
    assert recall_score(", ".join(VALUES), gold, VALUES) == 0.0


def test_a_uuid_is_one_value():
    one, other = "52f40e27-46a0-eb21-d74f-1e7fe2fb6bf5", "7eadd28e-95c9-d71e-cd3c-a94349280cac"
    assert list_score(f"First {one.upper()}, then {other}.", [one, other]) == 1.0
    assert set_score(one[:-1], [one], [other]) == 0.0
