"""`logic-program` on a model that follows a script: translate, solve, refine, and never guess."""

import asyncio

import pytest

pytest.importorskip("z3")

from lottery_logic import Logic, LogicProgram
from lottery_logic.prompts import KINDS, language_page, load
from lottery_logic.tool import Logic as Tool

from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.limits import Limits, StopReason
from lottery_plugins.messages import Message
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.testing.fakes import ScriptedBackend, fake_problem, scripted_facilities

QUESTION = "Anne is a wolf. All wolves are grey.\nTrue, false or unknown? Anne is grey.\nA) True\nB) False\nC) Unknown"
RIGHT = "Wolf(Anne)\nrule Wolf($x) -> Grey($x)\nask Grey(Anne)"
MISSPELT = "Wolf(Anne)\nrule Wolf($x) Grey($x)\nask Grey(Anne)"
SILENT = "Wolf(Anne)\nask Grey(Anne)"


def problem(question=QUESTION, **fields):
    return fake_problem(question, messages=(Message("user", question),), **fields)


def run(replies, reasoner=None, asked=None, tools=None, **fields):
    backend = ScriptedBackend(replies)
    facilities = scripted_facilities(backend, tools=[Logic()] if tools is None else tools, **fields)
    (result,) = asyncio.run(solve_all([asked or problem()], reasoner or LogicProgram(), facilities, max_live=1))
    return result, backend


def purposes(result):
    return [step.purpose for step in result.steps]


def test_the_solver_answers():
    result, backend = run([RIGHT])
    assert (result.answer, result.stop_reason) == ("A", StopReason.ANSWERED)
    assert purposes(result) == ["translate", "solve"]
    tool = result.steps[1]
    assert (tool.tool, tool.output, tool.error, tool.ran_in) == ("logic", "true", None, "chainer")
    assert backend.prompts[0].endswith("Program:\nfact")


def test_a_program_with_an_error_is_refined_with_the_error():
    result, backend = run([MISSPELT, RIGHT])
    assert result.answer == "A"
    assert purposes(result) == ["translate", "solve", "refine", "solve"]
    assert result.steps[1].error == "arguments"
    assert "line 2, column 15: found 'Grey'" in backend.prompts[1]
    assert "fact Wolf(Anne)\nrule Wolf($x) Grey($x)" in backend.prompts[1]


def test_without_an_executable_program_there_is_no_answer():
    replies = [MISSPELT, f"{MISSPELT} again", f"{MISSPELT} and again", RIGHT]
    result, _ = run(replies)
    assert (result.answer, result.stop_reason) == ("", StopReason.NO_ANSWER)
    assert purposes(result) == ["translate", "solve", "refine", "solve", "refine", "solve"]
    result, _ = run(replies, LogicProgram(refinements=3))
    assert result.answer == "A"


def test_a_program_that_comes_back_unchanged_ends_it():
    result, _ = run([MISSPELT, MISSPELT, RIGHT])
    assert result.stop_reason is StopReason.NO_ANSWER
    assert purposes(result) == ["translate", "solve", "refine"]


def test_an_answer_that_fits_no_choice_is_refined_and_not_guessed():
    asked = problem(QUESTION.removesuffix("\nC) Unknown"))
    result, backend = run([SILENT, RIGHT], asked=asked)
    assert result.answer == "A"
    assert "Neither the statement nor its opposite follows" in backend.prompts[1]
    result, _ = run([SILENT, SILENT], asked=asked)
    assert result.stop_reason is StopReason.NO_ANSWER
    result, _ = run([SILENT], LogicProgram(closed_world=True), asked=asked)
    assert result.answer == "B"


def test_the_fallback_is_used_only_when_named_and_is_visible():
    replies = [MISSPELT, MISSPELT, "Wolves are grey.", "A"]
    result, _ = run(replies, LogicProgram(fallback="chain-of-thought"))
    assert result.answer == "A"
    assert purposes(result) == ["translate", "solve", "refine", "reason", "conclude"]


def test_constraints_are_asked_for_where_the_choices_are_statements():
    question = "The robin is left of the owl. Which is true?\nA) The robin is first.\nB) The owl is first."
    program = "let robin, owl in 1..2\nassert robin < owl\noption A: robin = 1\noption B: owl = 1"
    result, backend = run([program], asked=problem(question))
    assert (result.answer, result.steps[1].ran_in) == ("A", "z3")
    assert "constraint program" in backend.prompts[0]


def test_the_generic_prompt_shows_the_page_of_the_language():
    result, backend = run([f"fact {RIGHT}"], LogicProgram(kind="generic"))
    assert result.answer == "A"
    assert language_page().strip() in backend.prompts[0]


def test_a_chat_model_gets_turns_and_the_beginning_of_its_reply():
    result, backend = run([RIGHT], asked=problem(is_chat=True))
    roles = [message.role for message in backend.requests[0].messages]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user", "assistant"]
    assert backend.requests[0].messages[-1].content == "fact"
    assert result.answer == "A"


def test_the_choices_reach_the_model_when_the_question_lacks_them():
    asked = fake_problem("Is Anne grey?", messages=(Message("user", QUESTION),), context="Anne is a wolf.")
    _, backend = run([RIGHT], asked=asked)
    assert "Anne is a wolf.\nIs Anne grey?\nA) True\nB) False\nC) Unknown" in backend.prompts[0]


def test_a_run_without_the_tool_is_a_clear_error():
    result, _ = run([RIGHT], tools=[])
    assert result.stop_reason is StopReason.FAILED
    assert "Add tools=logic" in result.error


def test_a_spent_budget_ends_it_with_its_reason():
    result, _ = run([MISSPELT, RIGHT], limits=Limits(max_calls=1))
    assert (result.answer, result.stop_reason) == ("", StopReason.MAX_CALLS)


@pytest.mark.parametrize(
    "options", [{"kind": "prolog"}, {"refinements": -1}, {"max_tokens": 0}, {"fallback": "random"}], ids=str
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigError, match=r"logic-program\."):
        LogicProgram(**options)


@pytest.mark.parametrize("options", [{"max_steps": 0}, {"max_nodes": 1}, {"timeout_s": 0}, {"max_chars": 1}], ids=str)
def test_tool_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigError, match=r"logic\."):
        Tool(**options)


@pytest.mark.parametrize("kind", KINDS)
def test_the_worked_examples_of_each_prompt_have_an_answer(kind):
    prompt = load(kind)
    assert prompt.examples
    for example in prompt.examples:
        assert example.reply.strip().startswith(prompt.texts["begin"])
        result = Tool().call({"program": example.reply})
        assert result.text in ("true", "false", "unknown", "A", "B", "C", "D")


def test_an_error_of_the_tool_has_line_column_and_what_is_allowed():
    with pytest.raises(ToolError) as caught:
        Tool().call({"program": f"Here is it:\n```\nfact {MISSPELT}\n```"})
    assert str(caught.value) == (
        "logic: line 4, column 15: found 'Grey'. Allowed here is the end of the line: one statement per line."
    )
