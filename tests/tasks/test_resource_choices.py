"""Choosing a tool or none, and knowing what one does not know: each scored apart, whatever the wording."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.resources import known_unknown, tool_choice
from lottery_plugins.tasks.resources.common_facts import RELATIONS
from lottery_plugins.tasks.resources.offered_tools import PARAMETERS, TOOLS

SEEDS = st.integers(0, 2**32)
WEATHER = {
    "functions": "local_time(city): ...\nweather_forecast(city, days): ...",
    "accepted": json.dumps({"weather_forecast": {"city": ["Oslo"], "days": [3]}}),
}
NO_CALL = {**WEATHER, "accepted": ""}


@pytest.mark.parametrize(
    "text",
    [
        "weather_forecast(city='Oslo', days=3)",
        'weather_forecast("Oslo", 3)',
        '{"name": "weather_forecast", "arguments": {"city": "oslo", "days": "3"}}',
        'Action: weather_forecast\nAction Input: {"city": "Oslo", "days": 3}',
        'I will ask.\n<tool_call>{"name": "weather_forecast", "arguments": {"city": "Oslo", "days": 3}}</tool_call>',
        "Answer: weather_forecast(city='Oslo', days=3)",
    ],
)
def test_a_right_call_scores_in_every_habit_that_runs_can_read(text):
    assert tool_choice.score(WEATHER, [text]) == {"acc": 1.0, "tool": 1.0, "call": 1.0, "abstention": None}
    assert tool_choice.score(NO_CALL, [text])["acc"] == 0.0


def test_choice_arguments_and_abstention_are_told_apart():
    assert tool_choice.score(WEATHER, ["weather_forecast(city='Rome', days=3)"])["tool"] == 1.0
    assert tool_choice.score(WEATHER, ["weather_forecast(city='Rome', days=3)"])["call"] == 0.0
    assert tool_choice.score(WEATHER, ["local_time(city='Oslo')"])["tool"] == 0.0
    assert tool_choice.score(WEATHER, ["none"]) == {"acc": 0.0, "tool": 0.0, "call": 0.0, "abstention": None}
    assert tool_choice.score(NO_CALL, ["None."]) == {"acc": 1.0, "tool": None, "call": None, "abstention": 1.0}
    assert tool_choice.score(NO_CALL, ["None of the tools fits."])["abstention"] == 1.0


@pytest.mark.parametrize(
    "text", ["", "weather_forecast", "local_time(city='Oslo') weather_forecast(city='Oslo', days=3)", "Oslo 3 none"]
)
def test_silence_names_alone_and_several_calls_score_nothing(text):
    assert tool_choice.score(WEATHER, [text])["acc"] == tool_choice.score(NO_CALL, [text])["acc"] == 0.0


def test_a_tool_that_is_not_offered_is_a_call_all_the_same():
    assert tool_choice.score(NO_CALL, ["play_song(song='Old River')"])["acc"] == 0.0


@given(SEEDS, st.integers(0, 400), st.integers(2, 19), st.integers(0, 1))
def test_the_wanted_tool_is_offered_unless_none_fits(seed, index, count, alike):
    knobs = tool_choice.ChoiceKnobs(choice_tools=(count,), choice_alike=(alike,))
    row = tool_choice.make_row(Rng(seed), index, knobs)
    offered = [line.split("(")[0] for line in row["functions"].splitlines()]
    groups = {tool.name: tool.group for tool in TOOLS}
    assert len(set(offered)) == len(offered) == count
    if row["accepted"]:
        (wanted,) = json.loads(row["accepted"])
        assert wanted in offered
        near = sum(groups[name] == groups[wanted] for name in offered) - 1
        assert near == min(count - 1, sum(group == groups[wanted] for group in groups.values()) - 1) or not alike
        assert near == 0 or alike or count > len(TOOLS) - 4
    assert (row["answer"] == "none") == (row["template"] in ("needless", "unfit"))


def test_every_parameter_of_a_tool_is_described_and_named_in_its_requests():
    for tool in TOOLS:
        assert set(tool.parameters) <= set(PARAMETERS)
        for request in tool.requests:
            assert all(f"{{{name}}}" in request for name in tool.parameters), tool.name


def known(*accepted, others=("Paris", "Rome", "Oslo")):
    return {"kind": "known", "accepted": list(accepted), "others": [o for o in others if o not in accepted]}


UNKNOWN = {"kind": "unknown", "accepted": ["unknown"], "others": ["Paris", "Rome", "Oslo"]}


@pytest.mark.parametrize("text", ["Oslo", "The capital of Norway is Oslo.", "**Oslo**", "Answer: Oslo", "Oslo, Norway"])
def test_a_known_fact_scores_and_is_no_answer_to_an_invention(text):
    assert known_unknown.score(known("Oslo"), [text]) == {"acc": 1.0, "known": 1.0, "unknown": None}
    assert known_unknown.score(UNKNOWN, [text]) == {"acc": 0.0, "known": None, "unknown": 0.0}


@pytest.mark.parametrize(
    "text",
    [
        "unknown",
        "Unknown.",
        "I don't know.",
        "I do not know the answer.",
        "There is no such country as Brauthez.",
        "I'm not sure",
        "search(query='capital of Brauthez')",
        "I could not find a country with this name.",
        "Brauthez seems to be fictional.",
    ],
)
def test_not_knowing_may_be_said_in_many_words(text):
    assert known_unknown.score(UNKNOWN, [text]) == {"acc": 1.0, "known": None, "unknown": 1.0}
    assert known_unknown.score(known("Oslo"), [text]) == {"acc": 0.0, "known": 0.0, "unknown": None}


@pytest.mark.parametrize("text", ["", "Brauville", "Unknown, maybe Paris.", "It is Brauthez City", "known"])
def test_a_guess_is_no_abstention(text):
    assert known_unknown.score(UNKNOWN, [text])["acc"] == 0.0


def test_saying_unknown_beside_the_fact_is_no_knowledge():
    assert known_unknown.score(known("Oslo"), ["unknown or Oslo"])["acc"] == 0.0


@given(SEEDS, st.integers(0, 400))
def test_inventions_stand_where_no_fact_does(seed, index):
    row = known_unknown.make_row(Rng(seed), index, known_unknown.KnownKnobs())
    relation = next(relation for relation in RELATIONS if relation.name == row["template"])
    subjects = {subject for facts in relation.facts for subject in facts}
    asked = [subject for subject in subjects if relation.question.format(subject=subject) == row["question"]]
    assert len(asked) == (row["kind"] == "known")
    assert not set(row["accepted"]) & set(row["others"])


def test_no_subject_is_in_two_tiers_of_a_relation():
    for relation in RELATIONS:
        easy, harder = relation.facts
        assert not set(easy) & set(harder)
        assert all(answers for facts in relation.facts for answers in facts.values())
