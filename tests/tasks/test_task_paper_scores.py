"""Scorers of the paper's tables: gold scores 1, anything else 0, and no text raises."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.tasks import tool_selection
from lottery_plugins.tasks.accepted_calls import accepts, gold_call
from lottery_plugins.tasks.paper import choices, open_questions, word_problems
from tests.tasks.paper_folder import call_row, function, irrelevance

TWO = [function("country.capital", "country"), function("country.size", "country", "unit")]
TWO[0]["parameters"]["properties"]["country"]["type"] = TWO[1]["parameters"]["properties"]["unit"]["type"] = "string"
TWO[1]["parameters"]["properties"]["country"]["type"] = "string"
CAPITAL = tool_selection.make_row(
    "multiple", call_row(1, "Capital of Brazil?", TWO, [{"country.capital": {"country": ["Brazil", "BR"]}}])
)
NO_FIT = tool_selection.make_row("irrelevance", irrelevance(1))
LOGIC = {"options": ["A) The hawk is first.", "B) The wren is first.", "C) The owl is first."], "answer": "B"}


def solve(row, text):
    return word_problems.score(row, [text])


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**6), st.sampled_from(["{}", "So 3 and {:,}.", "Answer: {}.00"]))
def test_the_last_number_is_the_answer_and_no_other_integer_is(gold, off, wording):
    row = {"answer": str(gold)}
    assert solve(row, wording.format(gold)) == {"acc": 1.0, "stated": 1.0}
    assert solve(row, wording.format(gold + off)) == {"acc": 0.0, "stated": 0.0}


def test_a_program_whose_float_is_close_enough_scores():
    assert solve({"answer": "6"}, "5.999999999")["acc"] == 1.0
    assert solve({"answer": "6"}, "5.998")["acc"] == 0.0


def test_the_published_rule_reads_the_last_number_and_the_other_one_the_stated_number():
    assert solve({"answer": "18"}, "Answer: 18 eggs in 3 boxes") == {"acc": 0.0, "stated": 1.0}


def test_gold_numbers_lose_commas_and_empty_decimals():
    assert word_problems.gsm8k_row({"question": "q", "answer": "s\n#### 1,234"})["answer"] == "1234"
    body = {"ID": "1", "Body": "Two  cows.", "Question": "How many?"}
    assert word_problems.svamp_row({**body, "Answer": "2.0"}) == {
        "id": "1", "question": "Two cows. How many?", "answer": "2"
    }  # fmt: skip
    assert word_problems.svamp_row({**body, "Answer": "2.5"})["answer"] == "2.5"


@pytest.mark.parametrize(
    "text",
    [
        "B",
        "B)",
        "(B)",
        "b) The wren is first.\nAnswer: B",
        "**B) The wren is first.**",
        "Option B",
        "The wren is first.",
    ],
)
def test_the_gold_letter_scores_in_every_dress(text):
    assert choices.score(LOGIC, [text]) == {"acc": 1.0}


@pytest.mark.parametrize(
    "text", ["A", "C)", "", "A) or B)", "A) B) C)", "A wren", "The hawk is first. The wren is first.", "AB", "Bird"]
)
def test_another_letter_or_several_score_nothing(text):
    assert choices.score(LOGIC, [text]) == {"acc": 0.0}


@given(st.sampled_from("ABC"), st.sampled_from(["{}", "{})", "The answer is {}.", "Thinking.\nAnswer: {}"]))
def test_a_stated_letter_scores_when_it_is_the_gold_one(letter, wording):
    assert choices.score(LOGIC, [wording.format(letter)]) == {"acc": float(letter == "B")}


def test_any_alias_as_whole_words_answers_popqa():
    row = {"id": 7, "question": " Who? ", "possible_answers": '["Ann Lee", "A. Lee"]', "s_pop": "12"}
    document = open_questions.popqa_row(row)
    assert (document["popularity"], document["question"]) == (12.0, "Who?")
    assert open_questions.score_popqa(document, ["It was ann lee!"]) == {"acc": 1.0}
    assert open_questions.score_popqa(document, ["A Lee"]) == {"acc": 1.0}
    assert open_questions.score_popqa(document, ["Lee"]) == {"acc": 0.0}
    assert open_questions.score_popqa(document, ["Ann Leeds"]) == {"acc": 0.0}
    with pytest.raises(ValueError, match="possible_answers"):
        open_questions.popqa_row({**row, "possible_answers": "[]"})


def test_a_logic_row_shows_its_options_in_the_question_and_refuses_a_foreign_answer():
    row = {"id": "1", "context": "c", "question": "Which?", "options": ["A) x", "B) y"], "answer": "B"}
    assert choices.logic_row(row)["question"] == "Which?\nOptions:\nA) x\nB) y"
    with pytest.raises(ValueError, match="no option"):
        choices.logic_row({**row, "answer": "C"})


RIGHT = {"acc": 1.0, "tool": 1.0, "call": 1.0, "abstention": None}
TOOL_ONLY = {"acc": 0.0, "tool": 1.0, "call": 0.0, "abstention": None}
WRONG = {"acc": 0.0, "tool": 0.0, "call": 0.0, "abstention": None}


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("country.capital(country='Brazil')", RIGHT),
        ('{"name": "country.capital", "arguments": {"country": "BR"}}', RIGHT),
        ('<tool_call>{"name": "country.capital", "arguments": {"country": "brazil"}}</tool_call>', RIGHT),
        ("Final Answer: country.capital('Brazil')", RIGHT),
        ("country.capital(country='Peru')", TOOL_ONLY),
        ('{"name": "country.capital", "arguments": {}}', TOOL_ONLY),
        ("country.capital(country='Brazil', year=1990)", TOOL_ONLY),
        ("country.size(country='Brazil')", WRONG),
        ("country.capital(country='Brazil')\ncountry.size(country='Brazil')", WRONG),
        ("capital(country='Brazil')", WRONG),
        ("Brasilia", WRONG),
        ("none", WRONG),
    ],
)
def test_a_call_is_scored_by_its_tool_and_its_arguments(text, scores):
    assert tool_selection.score(CAPITAL, [text]) == scores


@pytest.mark.parametrize(
    "text", ["none", "None.", "**none**", "Answer: none", "No function fits.", "None of the functions"]
)
def test_saying_none_where_nothing_fits_is_right(text):
    assert tool_selection.score(NO_FIT, [text]) == {"acc": 1.0, "tool": None, "call": None, "abstention": 1.0}


@pytest.mark.parametrize("text", ["", "sum_up(numbers=3)", "none, so sum_up(numbers=3)", "Rembrandt", "nonesuch"])
def test_silence_an_answer_or_a_call_is_no_abstention(text):
    assert tool_selection.score(NO_FIT, [text])["abstention"] == 0.0


def test_the_prompt_shows_each_function_with_its_parameters():
    assert CAPITAL["functions"].split("\n\n")[1].splitlines() == [
        "country.size(country, unit=None)",
        "  Computes country.size.",
        "  country: string. The country.",
        "  unit: string. The unit.",
    ]


def test_means_are_over_the_documents_that_ask():
    assert tool_selection.mean_where_asked([1.0, None, 0.0, None]) == 0.5
    assert tool_selection.mean_where_asked([None]) == 0.0


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text("abc .,-", min_size=1, max_size=5).filter(str.strip),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
ALLOWED = st.dictionaries(
    st.sampled_from(["x", "y", "from"]), st.lists(VALUES, min_size=1, max_size=3), min_size=1, max_size=3
)


@given(ALLOWED, st.sets(st.sampled_from(["x", "y", "from"])))
def test_the_gold_call_is_accepted_as_is_leaving_out_what_may_be_left_out(allowed, optional):
    listed = {name: [*values, ""] if name in optional else values for name, values in allowed.items()}
    gold = gold_call("f", listed)
    assert accepts(gold.arguments, listed, {})
    assert set(gold.arguments) == set(allowed) - optional
    assert not accepts({**gold.arguments, "stranger": 1}, listed, {})
    for name in gold.arguments:
        assert not accepts({k: v for k, v in gold.arguments.items() if k != name}, listed, {})


@given(ALLOWED)
def test_gold_written_as_the_prompt_asks_scores_one(allowed):
    row = call_row(1, "Do it.", [function("f", "x", "y", "from")], [{"f": allowed}])
    for parameter in (functions := json.loads(row["function"]))[0]["parameters"]["properties"].values():
        parameter["type"] = "any"
    document = tool_selection.make_row("simple", {**row, "function": functions})
    assert tool_selection.score(document, [document["answer"]])["acc"] == 1.0


@pytest.mark.parametrize(
    ("got", "wanted", "type_", "fits"),
    [
        (5, 5, "integer", True),
        (5.0, 5, "integer", True),
        ("5", 5, "integer", True),
        ("5", "5", "string", True),
        (5, "5", "string", False),
        (True, 1, "integer", False),
        (1, True, "boolean", False),
        ("true", True, "boolean", False),
        ("new york", "New York", "string", True),
        ("New York, NY", "new-york_NY", "string", True),
        ("it's", 'it"s', "string", True),
        ([1, 2], [1, 2], "array", True),
        ((1, 2), [1, 2], "array", True),
        ([2, 1], [1, 2], "array", False),
        ({"min": 3}, {"min": [3, 4]}, "object", True),
        ({"min": 3, "max": 9}, {"min": [3]}, "object", False),
        ({}, {"min": [3, ""]}, "object", True),
        ("nan", 5, "number", False),
        ("9" * 6000, 5, "integer", False),
    ],
)
def test_a_value_fits_as_in_the_leaderboards_checker(got, wanted, type_, fits):
    assert accepts({"p": got}, {"p": [wanted]}, {"p": type_}) is fits


@given(st.text(max_size=200) | st.text("country.capital(){}[]\"':,=<>none \n", max_size=60))
def test_no_text_raises_or_leaves_the_unit_interval(text):
    scores = [
        *word_problems.score({"answer": "12.5"}, [text]).values(),
        *choices.score(LOGIC, [text]).values(),
        *tool_selection.score(CAPITAL, [text]).values(),
        *tool_selection.score(NO_FIT, [text]).values(),
    ]
    assert all(score in (None, 0.0, 1.0) for score in scores)


@pytest.mark.parametrize("piece", ["A) ", "no a ", "f(", "country.capital(", '{"name":', "Option "])
@pytest.mark.timeout(20)
def test_long_hostile_text_is_read_in_linear_time(piece):
    text = piece * 20_000
    choices.score(LOGIC, [text])
    tool_selection.score(CAPITAL, [text])
    tool_selection.score(NO_FIT, [text])
