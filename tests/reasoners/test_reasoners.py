"""Each reasoner does what its paper says, step by step, on a model that follows a script."""

import asyncio
from dataclasses import replace

import pytest

from lottery_plugins.documents import Document, ScoredDocument
from lottery_plugins.errors import ConfigError
from lottery_plugins.generation import GenerationConfig
from lottery_plugins.limits import Limits, StopReason
from lottery_plugins.messages import Message, plain_text
from lottery_plugins.reasoners import ChainOfThought, Direct, ProgramAided, ReAct, RetrieveThenRead
from lottery_plugins.reasoners.prompts import load, prompts_version
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.reasoning.search import Search
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, fake_problem, scripted_facilities

BRIDGE = Document("b", "The Lumen Bridge is 211 m long.", "Lumen Bridge")
TOWER = Document("t", "The Arbor Tower is 90 m high.")


def run(reasoner, replies, problem=None, **fields):
    backend = ScriptedBackend(replies)
    facilities = scripted_facilities(backend, **fields)
    (result,) = asyncio.run(solve_all([problem or fake_problem()], reasoner, facilities, max_live=1))
    assert result.stop_reason is not StopReason.FAILED, result.error
    return result, backend


def test_direct_returns_the_completion_unchanged():
    result, backend = run(Direct(), ["  5, I think.  "])
    assert result.answer == "  5, I think.  "
    assert backend.prompts == ["Question: What is 2 + 3?\nAnswer:"]
    assert backend.requests[0].config == fake_problem().config


def test_chain_of_thought_reasons_then_concludes():
    result, backend = run(ChainOfThought(), [" 2 and 3\nmake 5.", " 5."])
    assert result.answer == "5"
    assert [s.purpose for s in result.steps] == ["reason", "conclude"]
    assert backend.prompts[0].endswith("Answer:\nLet's think step by step.")
    assert backend.prompts[1].endswith("step by step. 2 and 3\nmake 5.\nTherefore, the answer is")


def test_the_stop_string_of_the_task_does_not_cut_the_reasoning():
    result, backend = run(ChainOfThought(second_call=False), [" first\nsecond\nThe answer is 5."])
    assert result.answer == "5"
    assert "\n" not in backend.requests[0].config.stop


def test_chain_of_thought_without_a_second_call_reads_the_answer():
    result, _ = run(ChainOfThought(second_call=False), ["so 2 + 3 = 5. The answer is 5. Nice."])
    assert (result.answer, len(result.steps)) == ("5", 1)


def test_chain_of_thought_keeps_its_answer_when_the_budget_ends():
    result, _ = run(ChainOfThought(), ["The answer is 5.", "never"], limits=Limits(max_calls=1))
    assert (result.answer, result.stop_reason) == ("5", StopReason.MAX_CALLS)


def test_an_empty_conclusion_falls_back_to_the_reasoning():
    result, _ = run(ChainOfThought(), ["The answer is 5.", ""])
    assert result.answer == "5"


def test_few_shot_turns_and_a_begun_reply_are_kept():
    messages = (Message("user", "1+1?"), Message("assistant", "2"), Message("user", "2+3?"), Message("assistant", "A:"))
    _, backend = run(ChainOfThought(second_call=False), ["5"], fake_problem(messages=messages))
    assert backend.requests[0].messages == (*messages[:3], Message("assistant", "A: Let's think step by step."))


def test_documents_stand_before_the_prompt_of_the_task():
    problem = fake_problem("How long is the Lumen Bridge?")
    result, backend = run(RetrieveThenRead(), ["211 m"], problem, documents=[TOWER, BRIDGE])
    assert result.answer == "211 m"
    prompt = backend.prompts[0]
    assert prompt.endswith(problem.prompt)
    assert prompt.index(BRIDGE.text) < prompt.index(TOWER.text) < prompt.index("Question:")


def test_best_last_puts_the_best_document_next_to_the_question():
    problem = fake_problem("How long is the Lumen Bridge?")
    _, backend = run(RetrieveThenRead(order="best-last"), [""], problem, documents=[TOWER, BRIDGE])
    assert backend.prompts[0].index(TOWER.text) < backend.prompts[0].index(BRIDGE.text)


def test_long_documents_are_cut_and_say_so():
    problem = fake_problem("word")
    document = Document("d", " ".join(["word"] * 50))
    _, backend = run(RetrieveThenRead(max_document_words=3), [""], problem, documents=[document])
    assert backend.prompts[0].startswith("word word word ...\n")


def test_earlier_turns_are_untouched_by_retrieval():
    messages = (Message("user", "shot"), Message("assistant", "reply"), Message("user", "the Lumen Bridge?"))
    problem = fake_problem("the Lumen Bridge?", messages=messages)
    _, backend = run(RetrieveThenRead(), [""], problem, documents=[BRIDGE])
    assert backend.requests[0].messages[:2] == messages[:2]


def test_when_nothing_is_found_the_step_says_so_and_the_model_answers_alone():
    result, backend = run(RetrieveThenRead(), ["5"], documents=[Document("x", "unrelated")])
    assert [s.purpose for s in result.steps] == ["search", "answer without documents"]
    assert backend.prompts == [fake_problem().prompt]
    assert result.answer == "5"


class Chunks:
    """Finds these chunks, in this order."""

    def __init__(self, *texts):
        self.hits = [ScoredDocument(Document(f"{i}", text), 9.0 - i) for i, text in enumerate(texts)]

    def search(self, query, top_k):
        return self.hits


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        (["gamma delta", "alpha beta "], "alpha beta gamma delta"),
        (["zeta", "alpha"], "alpha\nzeta"),
        (["epsilon", "delta"], "delta epsilon"),
        (["beta gamma", "alpha beta"], "alpha beta gamma"),
        (["alpha beta gamma", "beta"], "alpha beta gamma"),
    ],
)
def test_kept_chunks_take_the_place_of_the_context_in_reading_order(found, kept):
    context = "alpha beta gamma delta epsilon zeta"
    problem = fake_problem(context=context)
    _, backend = run(RetrieveThenRead(), [""], problem, search=Search(index_for=lambda p: Chunks(*found)))
    assert backend.prompts[0] == problem.prompt.replace(context, kept)


def test_documents_from_elsewhere_do_not_replace_the_context():
    problem = fake_problem(context="alpha beta")
    search = Search(index_for=lambda p: Chunks("alpha", "from a knowledge base"))
    _, backend = run(RetrieveThenRead(), [""], problem, search=search)
    assert "alpha beta" in backend.prompts[0]
    assert "from a knowledge base" in backend.prompts[0]


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


@pytest.mark.parametrize(
    "make",
    [
        lambda: ChainOfThought(max_tokens=0),
        lambda: RetrieveThenRead(top_k=0),
        lambda: RetrieveThenRead(max_document_words=0),
        lambda: RetrieveThenRead(order="random"),
        lambda: ProgramAided(retries=-1),
        lambda: ProgramAided(max_tokens=0),
        lambda: ProgramAided(fallback="guess"),
        lambda: ProgramAided(style="essay"),
        lambda: ReAct(max_steps=0),
        lambda: ReAct(max_tokens=0),
        lambda: ReAct(max_reminders=-1),
        lambda: ReAct(top_k=0),
    ],
)
def test_an_option_out_of_range_is_refused_by_name(make):
    with pytest.raises(ConfigError, match=r"reasoner: [a-z-]+\.[a-z_]+: got .*, allowed is "):
        make()


@pytest.mark.parametrize(
    "name", ["chain-of-thought", "program-aided-line", "program-aided-steps", "react", "retrieve-then-read"]
)
def test_prompts_version_names_each_prompt_file_and_its_version(name):
    assert f"{name}={load(name).version}" in prompts_version()


def test_prompt_places_are_filled_without_reading_braces_of_the_text():
    assert load("react").fill("observe", observation="{question} {0}") == "\nObservation: {question} {0}\nThought:"


def test_greedy_settings_of_the_task_reach_every_call():
    problem = replace(fake_problem(), config=GenerationConfig(max_tokens=9, extra=(("x", 1),)))
    _, backend = run(ReAct(), ["Action: echo[a]", "Finish[1]"], problem, tools=[FakeTool()])
    assert all(not r.config.do_sample and r.config.extra == (("x", 1),) for r in backend.requests)


def test_base_models_see_the_prompt_as_plain_text():
    _, backend = run(Direct(), ["5"], fake_problem())
    assert backend.prompts[0] == plain_text(fake_problem().messages)
