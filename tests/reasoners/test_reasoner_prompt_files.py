"""What prompts show a model is what the parsers read back from it."""

import pytest

from lottery_plugins.reasoners.parts.asking import case_turns, whole_list
from lottery_plugins.reasoners.prompts import load, prompts_version
from lottery_plugins.reasoners.ratings import parse_choice, parse_rating, says_yes
from lottery_plugins.reasoners.requests import parse_requests
from lottery_plugins.reasoners.schedules import list_items, parse_schedule, waves
from lottery_plugins.testing.fakes import FakeTool

ASKING = ("can-use-external", "requests", "need-divide", "schedule", "rating", "vote", "proposals")
FIELDS = dict.fromkeys(("facts", "question", "help", "reasoning", "choices", "steps"), "{it}")


def replies(name):
    """What follows on the beginning of each worked example's reply."""
    prompt = load(name)
    return [example.reply.removeprefix(prompt.texts["begin"]) for example in prompt.examples]


@pytest.mark.parametrize("name", ASKING)
def test_worked_examples_begin_as_the_model_is_made_to_begin(name):
    prompt = load(name)
    assert prompt.examples
    assert all(example.reply.startswith(prompt.texts["begin"]) for example in prompt.examples)
    assert f"{name}={prompt.version}" in prompts_version()


@pytest.mark.parametrize("name", ASKING)
def test_worked_examples_look_like_the_case_that_follows(name):
    prompt = load(name)
    (shape,) = {tuple(line.split(":")[0] for line in e.question.split("\n") if line.startswith(("Question", "Help")))
                for e in prompt.examples}  # fmt: skip
    case = prompt.fill("case", **FIELDS | {"facts": ""})
    assert tuple(line.split(":")[0] for line in case.split("\n") if line.startswith(("Question", "Help"))) == shape


@pytest.mark.parametrize("name", ASKING)
@pytest.mark.parametrize("is_chat", [True, False])
def test_chat_models_see_turns_and_base_models_one_text(name, is_chat):
    prompt = load(name)
    turns = case_turns(prompt, is_chat=is_chat, **FIELDS)
    assert turns[-1].role == "assistant"
    assert turns[-1].content == prompt.texts["begin"]
    assert "{it}" in turns[-2].content
    if is_chat:
        assert [t.role for t in turns] == ["system", *["user", "assistant"] * len(prompt.examples), "user", "assistant"]
    else:
        assert [t.role for t in turns] == ["user", "assistant"]
        assert all(example.reply in turns[0].content for example in prompt.examples)


def test_decisions_ratings_and_choices_are_read_as_they_are_shown():
    assert [says_yes(reply) for reply in replies("can-use-external")] == [True, False, True, False]
    assert [says_yes(reply) for reply in replies("need-divide")] == [True, False, True, False]
    assert [parse_rating(reply) for reply in replies("rating")] == [1.0, 0.1, 0.7, 0.3]
    assert [parse_choice(reply, 3) for reply in replies("vote")] == [1, 0, 2]


def test_schedules_and_proposals_are_read_as_they_are_shown():
    ways, at_once, in_order = (parse_schedule(whole_list("1.", reply), max_items=9) for reply in replies("schedule"))
    assert (len(ways.alternatives), len(ways.parts)) == (2, 0)
    assert waves(at_once.parts) == [[0, 1]]
    assert [part.needs for part in in_order.parts] == [(), (0,), (0, 1)]
    assert [len(list_items(whole_list("1.", reply))) for reply in replies("proposals")] == [3, 3]


def test_requests_are_read_as_they_are_shown():
    tools = [FakeTool(name).description for name in ("calculator", "search", "python")]
    found = [parse_requests(reply, tools, max_requests=9) for reply in replies("requests")]
    assert [[request.call.tool for request in each] for each in found] == [["python"], ["search"] * 2, ["calculator"]]


@pytest.mark.parametrize("written", [" a\n2. b", "1. a\n2. b", '["a", "b"]', "```\n1. a\n2. b\n```"])
def test_a_list_is_whole_whether_it_goes_on_or_begins_anew(written):
    assert [part.text for part in parse_schedule(whole_list("1.", written), max_items=9).parts] == ["a", "b"]
