"""Self-ask and least-to-most do what their papers say, step by step, on a model that follows a script."""

import pytest
from hypothesis import given
from scripted_runs import BRIDGE, run

from lottery_plugins.errors import ConfigError
from lottery_plugins.limits import Limits, StopReason
from lottery_plugins.messages import Message
from lottery_plugins.reasoners import LeastToMost, SelfAsk
from lottery_plugins.testing.fakes import fake_problem
from lottery_plugins.testing.strategies import model_text

LENGTH = "How long is the Lumen Bridge?"


def test_self_ask_answers_follow_ups_in_its_own_reply():
    replies = [f" Yes.\nFollow up: {LENGTH}\nIntermediate answer: never", " 211 m", "\nSo the final answer is: 211 m"]
    result, backend = run(SelfAsk(), replies)
    assert (result.answer, result.stop_reason) == ("211 m", StopReason.ANSWERED)
    assert [s.purpose for s in result.steps] == ["ask", "answer follow-up", "ask"]
    assert backend.prompts[1].endswith(f"here: Yes.\nFollow up: {LENGTH}\nIntermediate answer:")
    assert backend.prompts[2].endswith(f"Follow up: {LENGTH}\nIntermediate answer: 211 m")


def test_self_ask_looks_follow_ups_up_when_there_is_a_retriever():
    replies = [f" Yes.\nFollow up: {LENGTH}", " 211 m", "\nSo the final answer is: 211 m"]
    result, backend = run(SelfAsk(), replies, documents=[BRIDGE])
    assert [(s.kind, s.purpose) for s in result.steps] == [
        ("generate", "ask"), ("retrieve", "follow-up"), ("generate", "read for follow-up"), ("generate", "ask"),
    ]  # fmt: skip
    assert result.steps[1].prompt == LENGTH
    assert backend.prompts[1].startswith("Lumen Bridge\nThe Lumen Bridge is 211 m long.")
    assert backend.prompts[2].endswith("Intermediate answer: 211 m")


def test_self_ask_answers_itself_when_nothing_is_found():
    replies = [" Yes.\nFollow up: Qwx?", " 5", "\nSo the final answer is: 5"]
    result, _ = run(SelfAsk(), replies, documents=[BRIDGE])
    assert [s.purpose for s in result.steps] == ["ask", "follow-up", "answer follow-up", "ask"]


def test_self_ask_may_answer_at_once():
    result, backend = run(SelfAsk(), [" No.\nSo the final answer is: **5**."])
    assert (result.answer, len(backend.prompts)) == ("5", 1)


def test_what_a_model_writes_behind_its_follow_up_is_cut_off():
    replies = [" Yes.\nFollow up: a b?\nSo the final answer is: 7", " 5", " So the final answer is: 5"]
    result, backend = run(SelfAsk(), replies)
    assert result.answer == "5"
    assert "answer is: 7" not in backend.prompts[1]


@pytest.mark.parametrize("second", ["\nFollow up: A b?", "\nFollow up: c d?"])
def test_a_repeated_follow_up_and_one_too_many_end_the_asking(second):
    result, backend = run(SelfAsk(max_follow_ups=1), [" Yes.\nFollow up: a b?", " 5", second, " 5."])
    assert (result.answer, result.stop_reason) == ("5", StopReason.MAX_STEPS)
    assert backend.prompts[-1].endswith("Intermediate answer: 5\nSo the final answer is:")


def test_self_ask_without_the_form_is_asked_for_its_answer():
    result, backend = run(SelfAsk(), [" Hm, 2 and 3.", " 5."])
    assert (result.answer, result.stop_reason) == ("5", StopReason.ANSWERED)
    assert backend.prompts[1].endswith("here: Hm, 2 and 3.\nSo the final answer is:")


def test_self_ask_takes_an_answer_in_other_words():
    assert run(SelfAsk(), [" No.\nAnswer: 5"])[0].answer == "5"


def test_self_ask_keeps_the_few_shot_turns_and_shows_the_context():
    messages = (Message("user", "1+1?"), Message("assistant", "2"), Message("user", "2+3?"))
    problem = fake_problem("2+3?", messages=messages, context="{Numbers} are given.")
    _, backend = run(SelfAsk(), ["So the final answer is: 5"], problem)
    assert backend.requests[0].messages[:2] == messages[:2]
    assert "Question: {Numbers} are given.\n\n2+3?" in backend.prompts[0]


def test_self_ask_without_budget_gives_no_answer_and_the_reason():
    result, _ = run(SelfAsk(), [" Yes.\nFollow up: a?"], limits=Limits(max_calls=1))
    assert (result.answer, result.stop_reason) == ("", StopReason.MAX_CALLS)


def test_least_to_most_divides_answers_the_parts_in_order_then_the_whole():
    replies = [" How many pens has Ben?\n2) **How many has Amy?**\n", " 8\npens", " 5.", " 13"]
    problem = fake_problem("How many pens together?")
    result, backend = run(LeastToMost(), replies, problem)
    assert result.answer == " 13"
    assert [s.purpose for s in result.steps] == ["divide", "answer part", "answer part", "answer"]
    assert backend.prompts[1].endswith("How many pens together?\n\nQuestion: How many pens has Ben?\nAnswer:")
    assert (
        "Question: How many pens has Ben?\nAnswer: 8 pens\n\nQuestion: How many has Amy?\nAnswer:" in backend.prompts[2]
    )
    assert backend.prompts[3].endswith(f"How many has Amy?\nAnswer: 5.\n\n{problem.prompt}")
    assert backend.requests[3].config == problem.config


def test_least_to_most_leaves_out_repeats_blanks_and_the_question_itself():
    replies = ["\n- a b\n\u2022\n2. A?\n* a b\n(3) what is 2 + 3?\n", "1", "2", "5"]
    result, _ = run(LeastToMost(), replies)
    assert [s.prompt.splitlines()[-2] for s in result.steps[1:-1]] == ["Question: a b", "Question: A?"]


def test_least_to_most_without_parts_asks_at_once_and_says_so():
    problem = fake_problem()
    result, backend = run(LeastToMost(), ["", " 5"])
    assert (result.answer, result.steps[-1].purpose) == (" 5", "answer without parts")
    assert backend.requests[-1].messages == problem.messages


def test_least_to_most_answers_at_most_so_many_parts():
    result, _ = run(LeastToMost(max_parts=2), ["a?\nb?\nc?", "1", "2", "5"])
    assert [s.purpose for s in result.steps].count("answer part") == 2


@given(model_text())
def test_no_list_that_a_model_writes_breaks_least_to_most(text):
    result, _ = run(LeastToMost(), lambda prompt: text)
    assert len(result.steps) <= 2 + LeastToMost().max_parts


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: SelfAsk(max_follow_ups=0), "self-ask.max_follow_ups"),
        (lambda: SelfAsk(max_tokens=0), "self-ask.max_tokens"),
        (lambda: SelfAsk(top_k=0), "self-ask.top_k"),
        (lambda: LeastToMost(max_parts=0), "least-to-most.max_parts"),
        (lambda: LeastToMost(max_tokens=0), "least-to-most.max_tokens"),
    ],
)
def test_an_option_of_an_asking_method_out_of_range_is_refused_by_name(make, where):
    with pytest.raises(ConfigError, match=where):
        make()
