"""Verifiers that ask the model or run programs: what they ask, what they make of the replies, what they record."""

import asyncio

import pytest

from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.reasoning.services import ProblemServices
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, fake_problem, scripted_facilities
from lottery_plugins.tools.calculator import Calculator
from lottery_plugins.tools.python import Python
from lottery_plugins.verifiers.agreement import Agreement
from lottery_plugins.verifiers.execution import Execution
from lottery_plugins.verifiers.self_check import SelfCheck, verdict_in


def judge(verifier, answer, replies=(), before=(), tools=(), **problem):
    """The judgement on an answer after some tool calls, the backend, and the steps."""
    backend = ScriptedBackend(replies)
    services = ProblemServices(fake_problem(**problem), scripted_facilities(backend, tools=tools, verifier=verifier))

    async def work():
        for tool, arguments in before:
            await services.call_tool(tool, arguments)
        return await services.verify(answer)

    return asyncio.run(work()), backend, services.steps


# ---------------------------------------------------------------- self-check


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("Yes", True),
        ("No.", False),
        (" yes, it is", True),
        ("The answer is not correct", False),
        ("That is incorrect. Yes", False),
        ("True", True),
        ("it isn't", False),
        ("Notice the eyes", None),
        ("", None),
    ],
)
def test_the_first_verdict_of_a_reply_counts(reply, verdict):
    assert verdict_in(reply) is verdict


@pytest.mark.parametrize(("reply", "score", "accepted"), [("Yes", 1.0, True), ("No", 0.0, False), ("?", 0.5, False)])
def test_self_check_follows_the_model(reply, score, accepted):
    judgement, backend, _ = judge(SelfCheck(), "The answer is 5.", [reply], context="Two and three.")
    assert (judgement.score, judgement.accepted) == (score, accepted)
    assert "Two and three.\n\nWhat is 2 + 3?\nProposed answer: 5\n" in backend.prompts[0]
    assert not backend.requests[0].config.do_sample


def test_votes_of_the_self_check_are_drawn_and_shared_out():
    judgement, backend, _ = judge(SelfCheck(votes=4), "5", ["Yes", "No", "Yes", "perhaps"])
    assert judgement == Judgement(0.625, True, "2 yes, 1 no, 1 without a verdict")
    assert [(r.config.do_sample, r.sample >> 20) for r in backend.requests] == [(True, i) for i in range(4)]


def test_a_chat_model_is_asked_without_examples():
    _, backend, _ = judge(SelfCheck(), "5", ["Yes"], is_chat=True)
    assert "dogs" not in backend.prompts[0]


# ---------------------------------------------------------------- agreement


@pytest.mark.parametrize(
    ("answer", "score", "accepted"),
    [("5", 0.6, True), ("The answer is 5.0.", 0.6, True), ("4", 0.2, False), ("", 0.0, False)],
)
def test_agreement_is_the_share_of_fresh_answers_that_mean_the_same(answer, score, accepted):
    judgement, backend, _ = judge(Agreement(), answer, ["5", "#### 5.0", "$5", "4", ""])
    assert (judgement.score, judgement.accepted) == (pytest.approx(score), accepted)
    assert all(r.config.do_sample and r.config.temperature == 0.7 for r in backend.requests)


def test_samples_of_agreement_are_not_those_of_a_reasoner():
    _, backend, _ = judge(Agreement(samples=2), "5", ["5", "5"])
    assert all(r.sample >> 20 >= 100_000 for r in backend.requests)


def test_agreement_can_think_first():
    judgement, backend, _ = judge(Agreement(samples=1, style="think"), "5", ["2 and 3\nmake 5.\nThe answer is 5"])
    assert judgement.score == 1.0
    assert backend.prompts[0].endswith("Let's think step by step.")
    assert "\n" not in backend.requests[0].config.stop


# ---------------------------------------------------------------- execution

PYTHON = (FakeTool("python", "code", lambda code: code.removeprefix("print(").removesuffix(")")),)
RAN = (("python", {"code": "print(5)"}), ("python", {"code": "print(6)"}))


@pytest.mark.parametrize(("answer", "score"), [("5", 1.0), ("$6.00", 1.0), ("7", 0.0), ("", 0.0)])
def test_the_program_behind_the_answer_is_run_again(answer, score):
    judgement, backend, steps = judge(Execution(), answer, before=RAN, tools=PYTHON)
    assert (judgement.score, judgement.accepted) == (score, score == 1.0)
    assert not backend.prompts
    again = [step for step in steps if step.purpose == "check"]
    assert len(again) == int(score)
    assert all(answer.strip("$.0") in step.prompt for step in again)


def test_a_program_that_gives_something_else_the_second_time_is_told():
    replies = iter(["5", "8"])
    moody = (FakeTool("python", "code", lambda code: next(replies)),)
    judgement, _, _ = judge(Execution(), "5", before=RAN[:1], tools=moody)
    assert judgement == Judgement(0.0, False, "the program gives '8'")


def test_checks_are_no_evidence_for_the_next_answer():
    backend = ScriptedBackend([])
    services = ProblemServices(fake_problem(), scripted_facilities(backend, tools=PYTHON, verifier=Execution()))

    async def work():
        await services.call_tool("python", {"code": "print(5)"})
        first = await services.verify("5")
        second = await services.verify("5")
        return first, second

    first, second = asyncio.run(work())
    assert first == second
    assert [step.purpose for step in services.steps if step.kind == "tool"] == ["call", "check", "check"]


@pytest.mark.parametrize(
    ("reply", "answer", "score"),
    [("2 + 3)", "5", 1.0), ("print(2 + 3)", "5", 1.0), ("2 + 3)", "6", 0.0), ("2 +)", "5", 0.5), ("", "5", 0.5)],
)
@pytest.mark.parametrize("tool", [Python(), Calculator()], ids=lambda tool: tool.name)
def test_without_a_program_one_is_asked_for(reply, answer, score, tool):
    judgement, backend, _ = judge(Execution(), answer, [reply], tools=(tool,))
    assert judgement.score == score
    assert backend.prompts[0].endswith("Question: What is 2 + 3?\nprint(")


def test_without_programs_and_tools_nothing_is_decided():
    assert judge(Execution(), "5")[0] == Judgement(0.5, False, "no program ran")
    assert judge(Execution(without_program="undecided"), "5", tools=PYTHON)[0].score == 0.5


@pytest.mark.parametrize(
    ("answer", "score"), [("The answer is 15.", 1.0), ("4", 0.0), ("five", 0.0), ("'''\n1/0", 0.0), ("\\", 0.0)]
)
def test_a_constraint_decides_in_the_sandbox(answer, score):
    verifier = Execution(constraint="int(answer) > 10", without_program="undecided")
    assert judge(verifier, answer, tools=(Python(),))[0].score == score


def test_a_constraint_comes_before_the_program():
    verifier = Execution(constraint="answer != '5'")
    judgement, _, _ = judge(verifier, "5", before=[("python", {"code": "print(5)"})], tools=(Python(),))
    assert judgement.score == 0.0
    assert "breaks the constraint" in judgement.reason


def test_a_constraint_without_python_is_an_error():
    with pytest.raises(ConfigError, match=r"execution.constraint.*tools=python"):
        judge(Execution(constraint="True"), "5")


@pytest.mark.parametrize(
    ("verifier_class", "options"),
    [
        (SelfCheck, {"votes": 0}),
        (SelfCheck, {"threshold": 1.0}),
        (SelfCheck, {"temperature": 0.0}),
        (Agreement, {"samples": 0}),
        (Agreement, {"style": "aloud"}),
        (Agreement, {"temperature": -1.0}),
        (Execution, {"without_program": "guess"}),
        (Execution, {"constraint": "a\nb"}),
        (Execution, {"max_tokens": 0}),
    ],
)
def test_bad_options_are_refused(verifier_class, options):
    with pytest.raises(ConfigError, match=f"verifier: {verifier_class.name}"):
        verifier_class(**options)
