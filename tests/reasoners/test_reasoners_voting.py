"""What counts as the same answer, and who wins a vote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.reasoners.voting import meaning, vote
from lottery_plugins.tasks.scoring import number_score
from lottery_plugins.testing.strategies import model_text

ANSWERS = st.one_of(model_text(), st.sampled_from(("5", "5.0", "five", "7", "7 apples", "$7", "", " ", "no")))


@pytest.mark.parametrize(
    "spellings",
    [
        ("1200", "$1,200.00", "1200 dollars", "1,200", "$1200.", "The answer is 1200.", "\\boxed{1200}"),
        ("0.5", ".50", "1/2", "$0.5", "1/2 cups", "0.500"),
        ("-3", "\u22123", "- 3", "-3.0 degrees", "-$3"),
        ("the Lumen Bridge", "Lumen bridge.", "**Lumen Bridge**", "the lumen  bridge!"),
        ("Room 7", "room 7.0"),
        ("(B)", "B", "b."),
    ],
)
def test_spellings_of_one_answer_mean_the_same(spellings):
    assert len({meaning(s) for s in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("5", "6"), ("5", "-5"), ("5 May", "5 June"), ("5 or 6", "5"), ("1/2", "12"), ("1.5", "15"), ("yes", "no"),
     ("12:30", "12"), ("1/0", "1"), ("C", "C++"), ("x = 5", "x = 6")],
)  # fmt: skip
def test_other_answers_mean_something_else(one, other):
    assert meaning(one) != meaning(other)


def test_number_of_many_digits_is_compared_exactly():
    assert meaning("9" * 55) != meaning("9" * 54 + "8")


def test_majority_wins_in_its_most_frequent_spelling():
    assert vote(["7", "$5", "5.00", "5.00", "7"]) == "5.00"


def test_tie_goes_to_the_first_seen():
    assert vote(["7", "5", "5", "7"]) == "7"
    assert vote(["5 apples", "5"]) == "5 apples"


def test_blank_answers_have_no_vote():
    assert vote(["", " \n", "5", ""]) == "5"
    assert vote(["", " "]) == ""
    assert vote([]) == ""


@given(st.lists(ANSWERS, max_size=8))
def test_winner_is_one_of_the_answers_and_nothing_means_what_more_answers_mean(answers):
    winner = vote(answers)
    given_answers = [a for a in answers if a.strip()]
    assert winner in given_answers or (winner == "" and not given_answers)
    counts = [sum(meaning(a) == meaning(b) for a in given_answers) for b in given_answers]
    assert not given_answers or counts[given_answers.index(winner)] == max(counts)


@given(st.lists(st.sampled_from(("5", "6", "5.0", "six")), min_size=1, max_size=5), st.integers(1, 3))
def test_repeating_all_answers_changes_no_vote(answers, times):
    assert vote(answers * times) == vote(answers)


@given(st.integers(-(10**9), 10**9))
def test_answers_that_the_scorer_takes_for_one_number_vote_together(number):
    spellings = (f"{number}", f"{number:,}", f"{number}.0", f"{number} apples")
    assert len({meaning(s) for s in spellings}) == 1
    assert all(number_score(s, str(number)) for s in spellings)
