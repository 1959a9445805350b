"""The final answer is found in what models really write."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lottery_plugins.reasoning.answers import final_answer, marked_answer, tidy
from lottery_plugins.testing.contracts.reasoner import model_texts


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 42.", "42"),
        ("So 6 * 7 = 42.\nThe final answer is: **42**", "42"),
        ("Answer: Paris", "Paris"),
        ("**Answer:** Paris", "Paris"),
        ("the ANSWER is $42$", "42"),
        ("The answer is 42. I hope this helps!", "42"),
        ("The answer is 3.14. It is pi.", "3.14"),
        ("The answer is St. Louis.", "St. Louis"),
        ("The answer is the U.S.", "the U.S."),
        ("The answer is:\n\n17", "17"),
        ("The answer to the question is 8.", "8"),
        ("We get \\boxed{\\frac{1}{2}} here", "\\frac{1}{2}"),
        ("The answer is \\boxed{7}.", "7"),
        ("2 + 3 = 5\n#### 5", "5"),
        ("Answer: 3\nno wait\nAnswer: 4", "4"),
        ("first\n\nlast line.\n\n", "last line"),
        ('Answer: "Lumen Bridge"', "Lumen Bridge"),
        ("", ""),
        (" \n\t", ""),
        ("\\boxed{", "\\boxed{"),
        ("Answer:", "Answer:"),
        ("It has no answer", "It has no answer"),
    ],
)
def test_final_answer_of_a_text_as_models_write_it(text, answer):
    assert final_answer(text) == answer


def test_without_a_mark_there_is_no_marked_answer():
    assert marked_answer("I think it is 5") is None


@given(st.one_of(st.text(), model_texts()))
@example("answer" * 5000)
@example("answer to " + "a " * 50_000)
@example("\\boxed{" * 5000)
@example("*" * 50_000)
def test_any_text_gives_one_line(text):
    answer = final_answer(text)
    assert "\n" not in answer
    assert bool(answer) == bool(text.strip()) or not answer


@given(st.text())
def test_tidy_twice_is_tidy_once(text):
    assert tidy(tidy(text)) == tidy(text)


@given(st.integers())
def test_every_number_survives_every_mark(number):
    for text in (f"The answer is {number}.", f"Answer: {number}", f"\\boxed{{{number}}}", f"#### {number}"):
        assert final_answer(f"Some words.\n{text}") == str(number)
