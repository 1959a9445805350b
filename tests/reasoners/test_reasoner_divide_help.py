"""Divide-and-conquer gets help from outside as Algorithm 1 says, on a model that follows a script."""

from scripted_runs import BRIDGE, run
from scripted_walks import purposes

from lottery_plugins.memory import Scratchpad
from lottery_plugins.reasoners import DivideAndConquer
from lottery_plugins.testing.fakes import FakeTool, fake_problem


def echo(name):
    return FakeTool(name, "expression", lambda text: f"<{text}>")


HELPED = {"divide": "never"}


def test_requests_are_answered_remembered_and_read():
    result, backend = run(
        DivideAndConquer(**HELPED),
        [" yes", "calculator[2 + 3]\nsearch[the Lumen Bridge]", " 5"],
        tools=[echo("calculator")],
        documents=[BRIDGE],
        open_memory=Scratchpad().open,
    )
    assert result.answer == " 5"
    assert [s.kind for s in result.steps] == ["generate"] * 2 + ["tool", "retrieve"] + ["memory"] * 4 + ["generate"]
    found = f"calculator[2 + 3] = <2 + 3>\nsearch[the Lumen Bridge] = {BRIDGE.as_text()}"
    assert backend.prompts[-1] == f"Known:\n{found}\n\n{fake_problem().prompt}"


def test_the_model_is_told_what_help_there_is():
    _, backend = run(DivideAndConquer(**HELPED), [" yes", "none"], tools=[echo("oven")], documents=[BRIDGE])
    assert "Help: oven, search\n" in backend.prompts[0]
    assert "Help:\noven[expression]: Answers.\nsearch[query]: Finds passages about a topic.\n" in backend.prompts[1]


def test_only_tools_that_are_offered_are_shown_in_examples():
    _, backend = run(DivideAndConquer(**HELPED), [" yes", "none"], tools=[echo("calculator")])
    assert "calculator[38 * 24" in backend.prompts[1]
    assert "search[" not in backend.prompts[1]


def test_a_model_that_declines_help_gets_none():
    result, _ = run(DivideAndConquer(**HELPED), [" no", " 5"], tools=[echo("calculator")])
    assert purposes(result) == ["external?", "answer"]


def test_where_no_help_is_offered_none_is_asked_for():
    result, _ = run(DivideAndConquer(**HELPED), [" 5"], open_memory=Scratchpad().open)
    assert purposes(result) == ["answer"]


def test_help_can_be_given_without_asking_whether_it_is_wanted():
    result, _ = run(DivideAndConquer(**HELPED, external="requests"), ["none", " 5"], tools=[echo("calculator")])
    assert purposes(result) == ["requests", "answer"]


def test_a_request_that_names_no_tool_goes_to_the_knowledge_base():
    model = ["the Lumen Bridge", " 211 m"]
    _, backend = run(DivideAndConquer(**HELPED, external="requests"), model, documents=[BRIDGE])
    assert backend.prompts[-1].startswith(f"Known:\nthe Lumen Bridge = {BRIDGE.as_text()}\n\n")


def test_without_a_knowledge_base_the_nearest_tool_is_found_and_run():
    def nearest(query, tools):
        return sorted(tools, key=lambda tool: tool.name not in query)

    tools = [echo("oven"), echo("compass"), echo("clock")]
    result, _ = run(
        DivideAndConquer(**HELPED, external="requests"), ["ask the clock", " 5"], tools=tools, rank_tools=nearest
    )
    assert [(s.tool, s.output) for s in result.steps if s.kind == "tool"] == [("clock", "<ask the clock>")]


def test_failed_requests_are_not_shown_as_known():
    model = ["calculator[{}]\noven[1]", " 5"]
    tools = [FakeTool("calculator", "expression", lambda text: "")]
    _, backend = run(DivideAndConquer(**HELPED, external="requests"), model, tools=tools)
    assert backend.prompts[-1] == fake_problem().prompt
