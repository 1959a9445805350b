"""Program-aided and ReAct do what their papers say, step by step, on a model that follows a script."""

import asyncio
import re
from dataclasses import replace

import pytest
from scripted_runs import BRIDGE, run

from lottery_plugins.generation import GenerationConfig
from lottery_plugins.limits import StopReason
from lottery_plugins.memory import Scratchpad
from lottery_plugins.messages import Message
from lottery_plugins.reasoners import ProgramAided, ReAct
from lottery_plugins.reasoners.prompts import load
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, fake_problem, scripted_facilities


def python(**results):
    return FakeTool("python", "code", lambda code: results.get("out", "5"))


def test_program_is_run_and_its_last_line_is_the_answer():
    result, _ = run(ProgramAided(), ["2 + 3)"], tools=[python(out="working\n5\n")])
    assert result.answer == "5"
    assert '"code": "print(2 + 3)"' in result.steps[1].prompt


def test_question_and_context_are_in_the_program_prompt():
    problem = fake_problem("How many?", context="There are 3 pens.", is_chat=True)
    _, backend = run(ProgramAided(), ["3)"], problem, tools=[python()])
    assert "There are 3 pens.\n\nHow many?" in backend.prompts[0]


def test_chat_models_get_examples_as_turns_and_base_models_as_text():
    _, chat = run(ProgramAided(), ["5)"], fake_problem(is_chat=True), tools=[python()])
    _, base = run(ProgramAided(), ["5)"], fake_problem(is_chat=False), tools=[python()])
    assert [m.role for m in chat.requests[0].messages][:3] == ["system", "user", "assistant"]
    assert [m.role for m in base.requests[0].messages] == ["user", "assistant"]
    assert load("program-aided-line").examples[0].question in base.prompts[0]


def test_a_program_in_steps_may_have_several_lines():
    result, backend = run(ProgramAided(style="steps"), [" 2 pens\npens = 2\n# 3 more\npens += 3"], tools=[python()])
    assert result.answer == "5"
    assert "pens += 3\\nprint(pens)" in result.steps[1].prompt
    assert backend.prompts[0].endswith("\n#")


def test_calculator_runs_a_lone_expression():
    calculator = FakeTool("calculator", "expression", lambda e: f"<{e}>")
    result, _ = run(ProgramAided(), ["2 + 3)"], tools=[calculator])
    assert result.answer == "<2 + 3>"


def test_python_is_preferred_to_the_calculator():
    result, _ = run(ProgramAided(), ["2)"], tools=[FakeTool("calculator", "expression"), python(out="ran")])
    assert result.answer == "ran"


@pytest.mark.parametrize("is_chat", [True, False])
def test_a_failed_program_is_shown_with_its_error_for_one_more_try(is_chat):
    tool = FakeTool("python", "code", lambda code: "" if "bad" in code else "5")
    result, backend = run(ProgramAided(), ["bad)", "5)"], fake_problem(is_chat=is_chat), tools=[tool])
    assert result.answer == "5"
    assert "print(bad)" in backend.prompts[1]
    assert "printed nothing" in backend.prompts[1]


def test_without_a_working_program_there_is_no_answer():
    result, backend = run(ProgramAided(retries=2), ["1)"] * 3 + ["guess"], tools=[python(out="")])
    assert (result.answer, result.stop_reason) == ("", StopReason.NO_ANSWER)
    assert len(backend.prompts) == 3


def test_fallback_direct_asks_the_model_itself():
    result, _ = run(ProgramAided(retries=0, fallback="direct"), ["1)", "five"], tools=[python(out="")])
    assert (result.answer, result.steps[-1].purpose) == ("five", "answer without program")


def test_program_aided_without_a_tool_says_what_to_add():
    facilities = scripted_facilities(ScriptedBackend(["1)"]), tools=[FakeTool("echo")])
    (result,) = asyncio.run(solve_all([fake_problem()], ProgramAided(), facilities, max_live=1))
    assert result.stop_reason is StopReason.FAILED
    assert "tools=python" in result.error


def test_react_thinks_acts_observes_and_finishes():
    calculator = FakeTool("calculator", "expression", lambda e: "5")
    replies = [" add them.\nAction: calculator[2 + 3]\nObservation: 7", " done.\nAction: Finish[5]"]
    result, backend = run(ReAct(), replies, tools=[calculator])
    assert (result.answer, result.stop_reason) == ("5", StopReason.ANSWERED)
    assert [s.kind for s in result.steps] == ["generate", "tool", "generate"]
    assert backend.prompts[1].endswith("Action: calculator[2 + 3]\nObservation: 5\nThought:")
    assert "Observation: 7" not in backend.prompts[1]


def test_react_searches_when_there_is_a_retriever():
    result, backend = run(ReAct(), ["\nAction: search[Lumen Bridge]", "\nAction: Finish[211 m]"], documents=[BRIDGE])
    assert result.answer == "211 m"
    assert result.steps[1].documents == (("b", 2.0),)
    assert "Observation: Lumen Bridge\nThe Lumen Bridge is 211 m long." in backend.prompts[1]


def test_react_begins_its_own_reply():
    messages = (Message("user", "2+3?"), Message("assistant", "A:"))
    _, backend = run(ReAct(), ["Finish[5]"], fake_problem(messages=messages))
    assert [m.content for m in backend.requests[0].messages[1:]] == ["Thought:"]


def test_react_shows_examples_of_what_is_offered_only():
    _, backend = run(ReAct(), ["Finish[1]"], tools=[FakeTool("calculator", "expression")])
    assert "Action: calculator[" in backend.prompts[0]
    assert "Action: search[" not in backend.prompts[0]


def test_react_offers_search_only_with_a_retriever():
    _, without = run(ReAct(), ["Finish[1]"])
    _, with_one = run(ReAct(), ["Finish[1]"], documents=[BRIDGE])
    assert "search[query]" not in without.prompts[0]
    assert "search[query]" in with_one.prompts[0]


def test_a_tool_named_search_is_not_hidden_by_the_built_in_one():
    tool = FakeTool("search", "text", lambda text: "from the tool")
    result, backend = run(ReAct(), ["Action: search[x]", "Finish[1]"], tools=[tool], documents=[BRIDGE])
    assert result.steps[1].kind == "tool"
    assert "from the tool" in backend.prompts[1]


def test_react_remembers_and_recalls_when_there_is_a_memory():
    replies = [
        "Action: remember[length: 211 m]",
        "Action: recall[length]",
        "Action: recall[width]",
        "Action: recall[]",
        "Finish[211 m]",
    ]
    result, backend = run(ReAct(), replies, open_memory=Scratchpad().open)
    assert "remember[" in backend.prompts[0]
    assert backend.prompts[2].rstrip().endswith("Observation: 211 m\nThought:")
    assert "There is no such note." in backend.prompts[3]
    assert "length" in backend.prompts[4].rpartition("recall[]")[2]
    notes = [(s.tool, s.prompt) for s in result.steps if s.kind == "memory"]
    assert notes[:2] == [("remember", '{"note": "length: 211 m"}'), ("recall", '{"key": "length"}')]
    assert result.answer == "211 m"


def test_react_shows_the_tools_nearest_to_the_question_when_there_are_too_many():
    tools = [FakeTool(f"tool-{i}") for i in range(5)]

    def rank_tools(query, shown):
        assert query == "What is 2 + 3?"
        return tuple(reversed(shown))

    replies = ["Action: tool-0[x]", "Finish[1]"]
    result, backend = run(ReAct(), replies, tools=tools, max_tools=2, rank_tools=rank_tools)
    assert re.findall(r"^tool-\d", backend.prompts[0], re.MULTILINE) == ["tool-4", "tool-3"]
    assert (result.steps[1].tool, result.steps[1].error) == ("tool-0", None)


def test_react_offers_memory_only_when_there_is_one():
    _, backend = run(ReAct(), ["Finish[1]"])
    assert "remember[" not in backend.prompts[0]


def test_react_reminds_of_the_form_a_bounded_number_of_times():
    result, backend = run(ReAct(max_reminders=2), [" hm."] * 3 + ["5]"])
    assert (result.answer, result.stop_reason) == ("5", StopReason.MAX_STEPS)
    assert len(backend.prompts) == 4
    assert backend.prompts[2].count(load("react").texts["reminder"]) == 2


def test_react_ends_after_max_steps_with_the_answer_it_then_gives():
    tool = FakeTool("calculator", "expression")
    result, backend = run(ReAct(max_steps=2), ["Action: calculator[1]"] * 2 + ["7]"], tools=[tool])
    assert (result.answer, result.stop_reason) == ("7", StopReason.MAX_STEPS)
    assert backend.prompts[-1].endswith("Action: Finish[")


def test_react_takes_an_answer_in_words():
    result, _ = run(ReAct(), [" I know: the answer is 5."])
    assert result.answer == "5"


def test_react_shows_the_error_of_an_unknown_tool():
    _, backend = run(ReAct(), ["Action: teleport[home]", "Finish[1]"], tools=[FakeTool("echo")])
    assert "There is no tool named 'teleport'" in backend.prompts[1]


def test_greedy_settings_of_the_task_reach_every_call():
    problem = replace(fake_problem(), config=GenerationConfig(max_tokens=9, extra=(("x", 1),)))
    _, backend = run(ReAct(), ["Action: echo[a]", "Finish[1]"], problem, tools=[FakeTool()])
    assert all(not r.config.do_sample and r.config.extra == (("x", 1),) for r in backend.requests)
