"""Each reasoner does what its paper says, step by step, on a model that follows a script."""

import pytest
from scripted_runs import BRIDGE, run

from lottery_plugins.documents import Document, ScoredDocument
from lottery_plugins.errors import ConfigError
from lottery_plugins.limits import Limits, StopReason
from lottery_plugins.messages import Message, plain_text
from lottery_plugins.reasoners import ChainOfThought, Direct, ProgramAided, ReAct, RetrieveThenRead
from lottery_plugins.reasoners.prompts import load, prompts_version
from lottery_plugins.reasoning.search import Search
from lottery_plugins.testing.fakes import fake_problem

TOWER = Document("t", "The Arbor Tower is 90 m high.")


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


def test_base_models_see_the_prompt_as_plain_text():
    _, backend = run(Direct(), ["5"], fake_problem())
    assert backend.prompts[0] == plain_text(fake_problem().messages)
