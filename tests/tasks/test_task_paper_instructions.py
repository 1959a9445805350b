"""Checks of instructions: a reply that keeps one passes, one that breaks it fails, and no text raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.tasks.paper import instructions
from lottery_plugins.tasks.paper.instruction_checks import CHECKS, Wish
from tests.tasks import paper_folder

AT_LEAST = {"relation": "at least"}

CASES = {  # what is given, a reply that keeps it, a reply that breaks it
    "keywords:existence": ({"keywords": ["Rain", "c++"]}, "We code C++ in the rain.", "We code C in the rain."),
    "keywords:frequency": ({"keyword": "tea", "frequency": 2, **AT_LEAST}, "Tea, tea!", "Tea!"),
    "keywords:forbidden_words": ({"forbidden_words": ["rain"]}, "The rainbow.", "The Rain."),
    "keywords:letter_frequency": (
        {"letter": "e", "let_frequency": 2, "let_relation": "less than"},
        "One.",
        "Eleven.",
    ),
    "length_constraints:number_sentences": ({"num_sentences": 2, **AT_LEAST}, "One 1.5. Two!", "One 1.5, two."),
    "length_constraints:number_paragraphs": ({"num_paragraphs": 2}, "One\n***\nTwo", "One\n\nTwo"),
    "length_constraints:number_words": ({"num_words": 3, "relation": "less than"}, "two words", "three whole words"),
    "length_constraints:nth_paragraph_first_word": (
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "well"},
        "One.\n\nWell, two.",
        "Well.\n\nTwo.",
    ),
    "detectable_content:number_placeholders": ({"num_placeholders": 2}, "[name] of [town]", "[name] of (town)"),
    "detectable_content:postscript": ({"postscript_marker": "P.P.S"}, "Bye.\nP. P. S. More.", "Bye.\nP.S. More."),
    "detectable_format:number_bullet_lists": ({"num_bullets": 2}, "* one\n- two", "* one"),
    "detectable_format:constrained_response": ({}, "Well. My answer is no.", "No."),
    "detectable_format:number_highlighted_sections": ({"num_highlights": 2}, "*one* and **two**", "*one* and ** **"),
    "detectable_format:multiple_sections": (
        {"section_spliter": "PART", "num_sections": 2},
        "PART 1\na\nPART 2\nb",
        "PART 1\na",
    ),
    "detectable_format:json_format": ({}, '```json\n{"a": [1]}\n```', "{a: 1}"),
    "detectable_format:title": ({}, "<<Spring>>\nIt is warm.", "<< >>\nIt is warm."),
    "combination:two_responses": ({}, "One\n******\nTwo", "One\n******\nOne"),
    "combination:repeat_prompt": ({"prompt_to_repeat": "Say hi."}, "say hi. Hi!", "Hi! Say hi."),
    "startend:end_checker": ({"end_phrase": "Any questions?"}, '"So. Any questions?"', "Any questions? No."),
    "startend:quotation": ({}, '"All of it."', '"All" of it.'),
    "change_case:capital_word_frequency": (
        {"capital_frequency": 2, "capital_relation": "at least"},
        "It is VERY COLD.",
        "It is VERY cold.",
    ),
    "change_case:english_capital": ({}, "ALL OF IT, 1.", "All of it."),
    "change_case:english_lowercase": ({}, "all of it, 1.", "All of it."),
    "punctuation:no_comma": ({}, "One and two.", "One, two."),
}


def test_every_check_has_a_case():
    assert set(CASES) == set(CHECKS)


@pytest.mark.parametrize("name", CASES)
def test_a_reply_passes_where_it_keeps_the_wish_and_fails_where_it_breaks_it(name):
    given_values, kept, broken = CASES[name]
    wish = Wish(name, given_values)
    assert CHECKS[name](kept, wish) is True
    assert CHECKS[name](broken, wish) is False


@given(st.sampled_from(sorted(CASES)), st.text())
def test_any_text_is_read_without_an_error(name, text):
    assert CHECKS[name](text, Wish(name, CASES[name][0])) in (True, False)


@given(st.sampled_from(sorted(CASES)))
def test_a_wish_survives_being_written(name):
    wish = Wish(name, CASES[name][0])
    assert Wish.from_json(wish.to_json()) == wish


def row(names, given_values):
    return {"key": 1, "prompt": "Do it.", "instruction_id_list": names, "kwargs": given_values}


def test_all_wishes_must_be_kept_and_their_share_is_told():
    document = instructions.make_row(paper_folder.ifeval(2))
    assert instructions.score(document, ["three whole words"]) == {"acc": 1.0, "followed": 1.0}
    assert instructions.score(document, ["three, whole words"]) == {"acc": 0.0, "followed": 0.5}
    assert instructions.score(document, [" "]) == {"acc": 0.0, "followed": 0.0}


def test_a_row_with_a_wish_for_another_language_is_left_out():
    assert instructions.make_row(row(["language:response_language"], [{"language": "de"}])) is None


@pytest.mark.parametrize(
    ("names", "given_values"),
    [
        ([], []),
        (["punctuation:no_comma"], []),
        (["unheard:of"], [{}]),
        (["keywords:existence"], [{"keywords": "rain"}]),
        (["keywords:frequency"], [{"keyword": "a", "frequency": 1.5, "relation": "at least"}]),
        (["length_constraints:number_words"], [{"num_words": 5, "relation": "about"}]),
        (["startend:end_checker"], [{}]),
    ],
)
def test_a_broken_wish_is_refused_when_it_is_read(names, given_values):
    with pytest.raises((ValueError, LookupError, TypeError)):
        instructions.make_row(row(names, given_values))
