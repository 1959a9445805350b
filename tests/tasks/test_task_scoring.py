"""Scorers read what models write, give nothing to listings, and never raise."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.tasks.paper import open_questions
from lottery_plugins.tasks.scoring import (
    after_marker,
    answer_span,
    number_score,
    numbers,
    order_score,
    sequence_score,
    simplify,
    value_score,
)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("42", "42"),
        ("\n\n42\nbecause", "42"),
        ("The answer is 42.", "42."),
        ("**Answer:** 42", "42"),
        ("I think.\nFinal answer: 42\n", "42"),
        ("Answer:\n42", "42"),
        ("so #### 42", "42"),
        ("thus \\boxed{42} holds", "42"),
        ("Answer: 1\nAnswer: 2", "2"),
        ("42\nQuestion: What is 1+1?\nAnswer: 2", "42"),
        ("The answer to the question of life is 42", "42"),
        ("", ""),
    ],
)
def test_span_is_where_the_result_is_stated(text, span):
    assert answer_span(text) == span


def test_long_unmarked_prose_is_read_whole():
    prose = "First we add the two numbers we were given.\nThen we have 7."
    assert answer_span(prose) == prose


def test_no_marker_is_none():
    assert after_marker("plainly 3") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,234,567.50", ["1234567.5"]),
        ("1,2,3", ["1", "2", "3"]),
        ("12-5", ["12", "5"]),
        ("x = -5", ["-5"]),
        ("$7.", ["7"]),
        ("1.5e3", ["1500"]),
        ("abc123", []),
        ("\u0663", []),
        ("12,34", ["12", "34"]),
    ],
)
def test_numbers_are_read_exactly(text, found):
    assert numbers(text) == [Fraction(x) for x in found]


@pytest.mark.parametrize(
    "text",
    [
        "281764",
        "281,764",
        "$281,764.00",
        "**281764**.",
        "The answer is 281764 bolts in 3 crates.",
        "347 * 812 = 281764",
        "We multiply 347 by 812 and that gives us, at the very end, 281764",
        "Answer: 347 * 812 = 281764",
        "281764\n\nQuestion: what is 3?",
        "281764.0000001",
    ],
)
def test_right_number_scores_however_it_is_written(text):
    assert number_score(text, "281764") == 1.0


@pytest.mark.parametrize("text", ["281765", "-281764", "2817640", "", "none", "281764, 5, 6, 7", "281,76", "28 1764"])
def test_wrong_number_scores_nothing(text):
    assert number_score(text, "281764") == 0.0


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_number_score_tells_every_other_integer_apart(gold, off):
    assert number_score(f"The answer is {gold:,}.", str(gold)) == 1.0
    assert number_score(str(gold + off), str(gold)) == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "falcon",
        "Falcon.",
        "**falcon**",
        "'falcon'",
        "The word of Ida is falcon.",
        "It is falcon. That of Ben is lemon.",
    ],
)
def test_value_scores_in_every_dress(text):
    assert value_score(text, ["falcon"], ["lemon", "zebra"]) == 1.0


@pytest.mark.parametrize(
    "text", ["falcon lemon", "lemon. falcon", "falcons", "", "falcon or zebra", "lemon, falcon, zebra"]
)
def test_value_beside_a_wrong_candidate_scores_nothing(text):
    assert value_score(text, ["falcon"], ["lemon", "zebra"]) == 0.0


def test_numeric_value_stands_alone():
    assert value_score("The code is 48,213.", ["48213"]) == 1.0
    assert value_score("48213 or 11111", ["48213"]) == 0.0
    assert value_score("It was 11111. No, 48213.", ["48213"]) == 0.0


def test_a_blind_list_of_names_is_no_answer():
    assert value_score(" ".join(f"Name{i}" for i in range(60)) + " falcon", ["falcon"]) == 0.0


@given(st.lists(st.sampled_from(["falcon", "lemon", "zebra", "and", "is", "."]), max_size=12))
def test_two_candidates_in_one_sentence_never_score(words):
    text = " ".join(word for word in words if word != ".")
    named = {w for w in words if w in {"falcon", "lemon", "zebra"}}
    assert value_score(text, ["falcon"], ["lemon", "zebra"]) == float(named == {"falcon"})


def test_sequence_is_exact():
    alphabet = ["cat", "sun", "box", "pen"]
    assert sequence_score("The list is: cat, sun, box.", ["cat", "sun", "box"], alphabet) == 1.0
    assert sequence_score("1. cat\n2. sun\n3. box", ["cat", "sun", "box"], alphabet) == 1.0
    assert sequence_score("cat box sun", ["cat", "sun", "box"], alphabet) == 0.0
    assert sequence_score("cat sun box pen", ["cat", "sun", "box"], alphabet) == 0.0
    assert sequence_score("cat sun", ["cat", "sun", "box"], alphabet) == 0.0


def test_one_symbol_is_read_from_the_first_line_that_names_one():
    assert sequence_score("Cell B: sun\nCell C: pen", ["sun"], ["sun", "pen"]) == 1.0
    assert sequence_score("Cell A: pen\nCell B: sun", ["sun"], ["sun", "pen"]) == 0.0
    assert sequence_score("sun pen", ["sun"], ["sun", "pen"]) == 0.0


@pytest.mark.parametrize(
    "text", ["mix, bake, wash", "wash -> mix -> bake", "1. Mix\n2. Wash\n3. Bake", "Order: mix wash bake"]
)
def test_any_valid_order_scores(text):
    assert order_score(text, ["bake", "mix", "wash"], [("mix", "bake")]) == 1.0


@pytest.mark.parametrize("text", ["bake, mix, wash", "mix, bake", "mix bake wash mix", "", "mixbakewash"])
def test_an_order_that_breaks_a_rule_or_repeats_scores_nothing(text):
    assert order_score(text, ["bake", "mix", "wash"], [("mix", "bake")]) == 0.0


@given(st.permutations(["a1", "b1", "c1", "d1"]))
def test_order_score_is_the_check_of_every_pair(order):
    pairs = [("a1", "b1"), ("a1", "c1"), ("c1", "d1")]
    assert order_score(", ".join(order), sorted(order), pairs) == float(
        all(order.index(x) < order.index(y) for x, y in pairs)
    )


def test_squad_normalises_as_the_official_script():
    doc = {"answers": ["the Denver Broncos", "Broncos"]}
    assert open_questions.score(doc, ["Denver Broncos!"]) == {"acc": 1.0, "exact_match": 1.0, "f1": 1.0}
    partly = open_questions.score(doc, ["It was the Denver Broncos"])
    assert partly["acc"] == 1.0
    assert partly["exact_match"] == 0.0
    assert partly["f1"] == pytest.approx(2 / 3)
    assert open_questions.score(doc, ["Broncosaurus"]) == {"acc": 0.0, "exact_match": 0.0, "f1": 0.0}


def test_squad_answer_of_articles_only_is_not_found_in_everything():
    assert open_questions.score({"answers": ["the"]}, ["anything"])["acc"] == 0.0


@given(st.text(max_size=300))
def test_no_text_raises_or_leaves_the_unit_interval(text):
    scores = [
        number_score(text, "12.5"),
        value_score(text, ["falcon", "12"], ["lemon"]),
        sequence_score(text, ["cat"], ["cat", "sun"]),
        order_score(text, ["a", "b"], [("a", "b")]),
        *open_questions.score({"answers": ["falcon"]}, [text]).values(),
    ]
    assert all(0.0 <= score <= 1.0 for score in scores)
    assert isinstance(simplify(text), str)


@pytest.mark.parametrize(
    "piece", ["Answer: ", "1,111", "*_", "answer to " + "x" * 70, "\nQuestion", "1e", "0" * 70, " \n"]
)
@pytest.mark.timeout(10)
def test_long_hostile_text_is_read_in_linear_time(piece):
    text = piece * 20_000
    number_score(text, "5")
    value_score(text, ["falcon"], ["lemon"])
    order_score(text, ["a", "b"], [("a", "b")])
