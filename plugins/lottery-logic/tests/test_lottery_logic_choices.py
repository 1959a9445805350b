"""From the solver's word to the task's answer, and from a model's text to a program."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lottery_logic.choices import choices_in, verdict
from lottery_logic.reasoner import kind_of
from lottery_logic.written import program_in

from lottery_plugins.testing.strategies import model_text

TRUTHS = {"A": "True", "B": "False", "C": "Unknown"}
TWO = {"A": "True", "B": "False"}
BIRDS = {"A": "The owl is the leftmost.", "B": "red kite"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Is it so?\nA) True\nB) False\nAnswer:", TWO),
        ("Options: (A) True (B) False (C) Unknown", TRUTHS),
        ("Pick one:\n(A) The owl is the leftmost.\n(B) red kite\n", BIRDS),
        ("A. True\nB. False\nThe answer is", TWO),
        ("Q: x\nA) one\nB) two\nAnswer: A\n\nQ: y\nA) True\nB) False\nAnswer:", TWO),
        ("Anna (A) met Bob.", {}),
        ("A) alone", {}),
        ("nothing", {}),
    ],
)
def test_the_last_list_of_choices_is_found(text, expected):
    assert choices_in(text) == expected


@pytest.mark.parametrize(
    ("result", "choices", "answer"),
    [
        ("true", TRUTHS, "A"),
        ("unknown", TRUTHS, "C"),
        ("unknown", {"A": "True", "B": "False", "C": "Uncertain"}, "C"),
        ("true", {"A": "Yes", "B": "No"}, "A"),
        ("false", {}, "False"),
        ("B", BIRDS, "B"),
        ("B", {}, "B"),
        ("bird = red_kite", BIRDS, "B"),
        ("x = 3", {}, "3"),
    ],
)
def test_a_result_that_fits_is_an_answer(result, choices, answer):
    assert verdict(result, choices).answer == answer


@pytest.mark.parametrize(
    ("result", "choices", "complaint"),
    [
        ("unknown", TWO, "Neither the statement nor its opposite"),
        ("none", BIRDS, "No option is"),
        ("A, B", BIRDS, "The options A, B are all"),
        ("D", BIRDS, "There is no choice 'D'"),
        ("true", BIRDS, "a choice is wanted"),
        ("true\nfalse", TWO, "2 answers"),
        ("x = 3", BIRDS, "none of the choices"),
    ],
)
def test_a_result_that_fits_no_choice_is_no_answer(result, choices, complaint):
    found = verdict(result, choices)
    assert found.answer is None
    assert complaint in found.complaint


def test_what_does_not_follow_is_false_only_where_that_was_asked_for():
    assert verdict("unknown", TWO, closed_world=True).answer == "B"
    assert verdict("unknown", TRUTHS, closed_world=True).answer == "C"
    assert verdict("unknown", TWO).answer is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("All wolves are grey. True or false?\nA) True\nB) False", "rules"),
        ("True, false, or uncertain?\nA) True\nB) False\nC) Uncertain", "first-order"),
        ("Which is leftmost?\nA) the owl\nB) the robin\nC) the crow", "constraints"),
        ("Is it true or false that wolves are grey?", "rules"),
        ("What is the capital of France?", "generic"),
    ],
)
def test_the_kind_of_program_goes_by_the_choices(text, kind):
    assert kind_of(text) == kind


@pytest.mark.parametrize(
    ("begin", "reply", "program"),
    [
        ("fact", "Cold(Bob)\nask Cold(Bob)", "fact Cold(Bob)\nask Cold(Bob)"),
        ("fact", "fact Cold(Bob)\nask Cold(Bob)", "fact Cold(Bob)\nask Cold(Bob)"),
        ("fact", " Cold(Bob)\nask Cold(Bob)", "fact Cold(Bob)\nask Cold(Bob)"),
        ("fact", "```logic\nfact Cold(Bob)\nask Cold(Bob)\n```\nDone.", "fact Cold(Bob)\nask Cold(Bob)"),
        ("", "Here it is:\nlet a in 1..3\nask a = 1\n\nI hope this helps.", "let a in 1..3\nask a = 1"),
        ("", "let a in 1..3\nassume a > 1\nask a = 1", "let a in 1..3\nassume a > 1\nask a = 1"),
        ("", "I do not know.", "I do not know."),
    ],
)
def test_the_program_is_found_in_what_a_model_wrote(begin, reply, program):
    assert program_in(begin, reply) == program


@given(begin=st.sampled_from(("", "fact", "assert")), reply=model_text())
def test_any_reply_gives_a_text(begin, reply):
    assert isinstance(program_in(begin, reply), str)


@given(result=model_text(), text=model_text())
def test_any_result_is_an_answer_or_has_a_complaint(result, text):
    found = verdict(result, choices_in(text))
    assert (found.answer is None) == bool(found.complaint)
