"""Divide-and-conquer takes the steps of Algorithm 1, on a model that follows a script."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import pytest
from scripted_runs import BRIDGE, run

from lottery_plugins.errors import ConfigError
from lottery_plugins.limits import Limits, StopReason
from lottery_plugins.memory import Scratchpad
from lottery_plugins.messages import Message
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.reasoners import DivideAndConquer
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.testing.contracts.plugin import check_plugin
from lottery_plugins.testing.contracts.reasoner import check_reasoner
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, fake_problem, scripted_facilities

QUESTION = "How far do Ann and Ben walk?"
LEAF = f"Question: {QUESTION}\nAnswer:"


class Model:
    """Replies by what the last line of a prompt that is asked about holds; the first rule that fits counts."""

    def __init__(self, **rules):
        self.rules = {text.replace("_", " "): reply for text, reply in rules.items()}

    def __call__(self, prompt):
        tail = prompt[prompt.rfind("Question:") :]
        for text, reply in self.rules.items():
            if text in tail:
                return reply.pop(0) if isinstance(reply, list) else reply
        return ""


def divide(schedule, **rules):
    """A model that divides the whole problem once, and nothing else."""

    def reply(prompt):
        tail = prompt[prompt.rfind("Question:") :]
        if tail.endswith("Several steps:"):
            return " yes" if QUESTION in tail else " no"
        return schedule if tail.endswith("\n1.") else Model(**rules)(prompt)

    return reply


ALONE = {"external": "never"}
PARTS = " How far does Ann walk? (needs none)\n2. How far does Ben walk? (needs none)\n3. Add it up (needs 1, 2)"
WALK = {"does Ann": " 2 km", "does Ben": " 3 km", "Add it up": " 5 km", "Ann and Ben": " together 5 km"}


def purposes(result):
    return [step.purpose for step in result.steps]


def prompt_of(result, text):
    (step,) = [
        s
        for s in result.steps
        if s.kind == "generate" and text in s.prompt[s.prompt.rfind("Question:") :] and s.prompt.endswith("Answer:")
    ]
    return step.prompt


def test_parts_are_solved_and_their_answers_stand_before_the_question():
    result, _ = run(DivideAndConquer(**ALONE), divide(PARTS, **WALK), fake_problem(QUESTION))
    assert result.answer == " together 5 km"
    assert prompt_of(result, "does Ben") == "Question: How far does Ben walk?\nAnswer:"
    known = "Known:\nHow far does Ann walk? 2 km\nHow far does Ben walk? 3 km\n\n"
    assert prompt_of(result, "Add it up") == f"{known}Question: Add it up\nAnswer:"
    assert prompt_of(result, "Ann and Ben") == f"{known[:-1]}Add it up 5 km\n\n{LEAF}"


def test_parts_that_do_not_need_each_other_are_solved_at_once():
    backend = ScriptedBackend(divide(PARTS, **WALK))
    facilities = scripted_facilities(backend, batch_size=8)
    asyncio.run(solve_all([fake_problem(QUESTION)], DivideAndConquer(external="never"), facilities, max_live=1))
    # divide?, schedule, then for Ann and Ben at once: divide?, answer; then the sum: divide?, answer; then the whole
    assert backend.batch_sizes == [1, 1, 2, 2, 1, 1, 1]


def test_a_schedule_without_needs_is_solved_in_order():
    schedule = " How far does Ann walk?\n2. How far does Ben walk?"
    result, _ = run(DivideAndConquer(**ALONE), divide(schedule, **WALK), fake_problem(QUESTION))
    assert prompt_of(result, "does Ben").startswith("Known:\nHow far does Ann walk? 2 km\n")


@pytest.mark.parametrize("memory", [None, Scratchpad().open])
def test_answers_of_parts_are_written_to_the_memory_and_read_from_it(memory):
    result, backend = run(DivideAndConquer(**ALONE), divide(PARTS, **WALK), fake_problem(QUESTION), open_memory=memory)
    notes = [(s.purpose, s.prompt, s.output) for s in result.steps if s.kind == "memory"]
    _, plain = run(DivideAndConquer(**ALONE), divide(PARTS, **WALK), fake_problem(QUESTION))
    assert backend.prompts == plain.prompts, "a memory that keeps all changes no prompt"
    if memory is None:
        assert notes == []
        return
    assert ("write", "1 How far does Ann walk?", "2 km") in notes
    assert ("read", "1 How far does Ann walk?", "2 km") in notes
    assert len([note for note in notes if note[0] == "write"]) == 3


class Forgetful(dict):
    """A memory that changes what it is told."""

    def write(self, key, value):
        self[key] = value.replace("km", "miles")

    def read(self, key):
        return self.get(key)

    def render(self, max_chars=None):
        return ""


def test_what_the_memory_says_is_what_the_model_sees():
    result, _ = run(DivideAndConquer(**ALONE), divide(PARTS, **WALK), fake_problem(QUESTION), open_memory=Forgetful)
    assert "How far does Ann walk? 2 miles\n" in prompt_of(result, "Ann and Ben")


def test_nothing_is_remembered_when_that_is_switched_off():
    result, _ = run(
        DivideAndConquer(**ALONE, remember=False),
        divide(PARTS, **WALK),
        fake_problem(QUESTION),
        open_memory=Scratchpad().open,
    )
    assert not [step for step in result.steps if step.output and step.purpose == "write"]
    assert "How far does Ann walk? 2 km\n" in prompt_of(result, "Ann and Ben")


def test_the_last_part_can_be_the_answer():
    result, _ = run(DivideAndConquer(**ALONE, aggregate="last"), divide(PARTS, **WALK), fake_problem(QUESTION))
    assert result.answer == " 5 km"


def test_few_shot_turns_and_the_context_go_where_they_belong():
    shots = (Message("user", "1+1?"), Message("assistant", "2"))
    problem = fake_problem(QUESTION, messages=(*shots, Message("user", LEAF)), context="A long walk.", is_chat=True)
    _, backend = run(DivideAndConquer(**ALONE), divide(PARTS, **WALK), problem)
    (part,) = [
        r for r in backend.requests if r.messages[-1].content.endswith("Question: How far does Ben walk?\nAnswer:")
    ]
    assert part.messages[-1].content.startswith("A long walk.\n\n")
    assert backend.requests[-1].messages[:2] == shots


@pytest.mark.parametrize("reply", [" no", "", " No idea, yes?", " never"])
def test_without_a_yes_nothing_is_divided(reply):
    result, _ = run(DivideAndConquer(**ALONE), [reply, "5 km"], fake_problem(QUESTION))
    assert (result.answer, purposes(result)) == ("5 km", ["divide?", "answer"])


@pytest.mark.parametrize("schedule", ["", " I can't.", f" {QUESTION}", " How far does Ann walk?"])
def test_a_schedule_of_less_than_two_sub_problems_divides_nothing(schedule):
    result, _ = run(DivideAndConquer(**ALONE), [" yes", schedule, "5 km"], fake_problem(QUESTION))
    assert (result.answer, purposes(result)) == ("5 km", ["divide?", "schedule", "answer"])


def always_divides(prompt):
    if prompt.endswith("Several steps:"):
        return " yes"
    question = prompt.split("Question: ")[-1].split("?")[0]
    return (
        f" {question}, first half? (needs none)\n2. {question}, second half? (needs none)"
        if prompt.endswith("\n1.")
        else "x"
    )


@pytest.mark.parametrize(("depth", "leaves"), [(0, 1), (1, 2), (2, 4), (3, 8)])
def test_division_ends_at_the_deepest_level(depth, leaves):
    result, _ = run(DivideAndConquer(**ALONE, max_depth=depth), always_divides, fake_problem(QUESTION))
    schedules = leaves - 1
    assert purposes(result).count("schedule") == schedules
    assert purposes(result).count("answer") == leaves + schedules
    assert purposes(result).count("divide?") == schedules


def test_a_schedule_is_cut_at_its_largest_size():
    result, _ = run(DivideAndConquer(**ALONE, max_parts=2), divide(PARTS, **WALK), fake_problem(QUESTION))
    assert purposes(result).count("answer") == 3


@dataclass(frozen=True)
class Wants:
    """Accepts what holds a text; keeps a record of what it is asked."""

    name: ClassVar[str] = "wants"
    summary: ClassVar[str] = "Accepts what holds a text."

    text: str
    seen: list

    async def verify(self, problem, answer, services):
        self.seen.append((problem.question, answer))
        return Judgement(float(self.text in answer), self.text in answer)


def test_sub_problems_are_verified_as_what_they_are_and_tried_once_more():
    seen = []
    model = divide(PARTS, **WALK | {"does Ben": [" far", " 3 km"]})
    result, backend = run(DivideAndConquer(**ALONE), model, fake_problem(QUESTION), verifier=Wants("km", seen))
    assert ("How far does Ben walk?", " far") in seen
    assert seen[-1] == (QUESTION, " together 5 km")
    assert "How far does Ben walk? 3 km\n" in prompt_of(result, "Ann and Ben")
    again = [r for r in backend.requests if r.sample]
    assert [r.config.temperature for r in again] == [0.7, 0.7], "the question whether to divide, and the answer"
    assert all(r.config.do_sample for r in again)


def test_an_answer_that_was_never_accepted_says_so_to_those_who_build_on_it():
    model = divide(PARTS, **WALK | {"does Ben": " far"})
    result, _ = run(DivideAndConquer(**ALONE), model, fake_problem(QUESTION), verifier=Wants("km", []))
    assert "How far does Ben walk? far (not verified)\n" in prompt_of(result, "Ann and Ben")


def test_a_blank_answer_of_a_part_is_tried_again_and_then_left_out():
    model = divide(PARTS, **WALK | {"does Ben": ""})
    result, _ = run(DivideAndConquer(**ALONE), model, fake_problem(QUESTION))
    blanks = [
        s
        for s in result.steps
        if s.purpose == "answer" and s.prompt.endswith("does Ben walk?\nAnswer:") and not s.output
    ]
    assert len(blanks) == 2
    assert "Known:\nHow far does Ann walk? 2 km\nAdd it up 5 km\n" in prompt_of(result, "Ann and Ben")


WAYS = " or: count their steps\n2. or: look at the map"


def test_the_first_alternative_that_is_accepted_is_the_answer():
    model = divide(WAYS, **{"Ann and Ben": [" far", " farther", " 5 km"]})
    result, backend = run(
        DivideAndConquer(**ALONE, max_depth=1), model, fake_problem(QUESTION), verifier=Wants("km", [])
    )
    assert (result.answer, result.stop_reason) == (" 5 km", StopReason.ANSWERED)
    answers = [p for p in backend.prompts if p.endswith("Answer:")]
    assert answers == [f"Hint: count their steps\n\n{LEAF}"] * 2 + [f"Hint: look at the map\n\n{LEAF}"]
    assert purposes(result).count("verify") == 3, "the accepted answer is not judged again"


def test_without_a_verifier_the_first_alternative_is_the_answer():
    model = divide(WAYS, **{"Ann and Ben": " far"})
    result, _ = run(DivideAndConquer(**ALONE, max_depth=1), model, fake_problem(QUESTION))
    assert (result.answer, purposes(result).count("answer")) == (" far", 1)


def test_when_no_alternative_is_accepted_the_parts_are_solved():
    schedule = " or: guess\n2. How far does Ann walk? (needs none)\n3. How far does Ben walk? (needs none)"
    model = divide(schedule, **WALK | {"Ann and Ben": [" far", " far", " 5 km"]})
    result, _ = run(DivideAndConquer(**ALONE, max_depth=1), model, fake_problem(QUESTION), verifier=Wants("km", []))
    assert result.answer == " 5 km"


def python(reply="912"):
    return FakeTool("python", "code", lambda code: reply)


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


def test_trials_are_drawn_anew_and_the_majority_wins():
    result, backend = run(
        DivideAndConquer(**ALONE, divide="never", trials=3, temperature=0.5), [" 4", " 5", " five is 5, so 5"]
    )
    assert result.answer == " 4"
    assert [r.sample for r in backend.requests] == sorted({r.sample for r in backend.requests})
    assert [r.config.temperature for r in backend.requests] == [1.0, 0.5, 0.5]
    assert [r.config.do_sample for r in backend.requests] == [False, True, True]
    result, _ = run(DivideAndConquer(**ALONE, divide="never", trials=3), [" 4", " 5", "5"])
    assert result.answer == " 5"


def test_with_a_verifier_the_trial_with_the_best_score_wins():
    setting = DivideAndConquer(**ALONE, divide="never", trials=3)
    result, _ = run(setting, [" 4", " 4", " 5 km"], verifier=Wants("km", []))
    assert result.answer == " 5 km"


def test_a_spent_budget_leaves_the_trials_that_were_finished():
    setting = DivideAndConquer(**ALONE, divide="never", trials=4)
    result, _ = run(setting, [" 4", " 5", " 5", " 6"], limits=Limits(max_calls=3))
    assert (result.answer, result.stop_reason) == (" 5", StopReason.MAX_CALLS)


def test_a_spent_budget_leaves_the_alternatives_that_were_tried():
    model = divide(WAYS, **{"Ann and Ben": [" far", " farther", " 5 km"]})
    setting = DivideAndConquer(**ALONE, max_depth=1, retries=0)
    result, _ = run(setting, model, fake_problem(QUESTION), verifier=Wants("km", []), limits=Limits(max_calls=3))
    assert (result.answer, result.stop_reason) == (" far", StopReason.MAX_CALLS)


@dataclass(frozen=True)
class Asks:
    """A verifier that asks the model."""

    name: ClassVar[str] = "asks"
    summary: ClassVar[str] = "Asks the model."

    async def verify(self, problem, answer, services):
        written = await services.generate(problem.messages, purpose="check")
        return Judgement(1.0, bool(written.text))


def test_an_answer_that_the_budget_no_longer_lets_verify_is_kept():
    setting = DivideAndConquer(**ALONE, divide="never")
    result, _ = run(setting, [" 5"], verifier=Asks(), limits=Limits(max_calls=1))
    assert (result.answer, result.stop_reason) == (" 5", StopReason.MAX_CALLS)


def test_a_budget_that_is_spent_on_the_parts_leaves_no_answer():
    result, _ = run(
        DivideAndConquer(**ALONE), divide(PARTS, **WALK), fake_problem(QUESTION), limits=Limits(max_calls=6)
    )
    assert (result.answer, result.stop_reason) == ("", StopReason.MAX_CALLS)


@pytest.mark.parametrize(
    ("options", "needs"),
    [
        ({}, ()),
        ({"external": "search"}, ("retriever",)),
        ({"external": "program"}, ("tools",)),
        ({"leaf": "program-aided", "external": "search"}, ("retriever", "tools")),
    ],
)
def test_what_the_chosen_steps_need_is_said_before_the_run(options, needs):
    assert DivideAndConquer(**options).needs == needs
    assert DivideAndConquer.needs == ()


@pytest.mark.parametrize(
    "options",
    [
        {"external": "maybe"}, {"divide": "in two"}, {"leaf": "react"}, {"aggregate": "sum"}, {"evaluate": "dice"},
        {"trials": 0}, {"trials": 17}, {"retries": -1}, {"max_depth": 7}, {"max_parts": 1}, {"max_requests": 0},
        {"steps": 0}, {"breadth": 0}, {"candidates": 0}, {"temperature": 0.0}, {"temperature": float("nan")},
    ],
)  # fmt: skip
def test_an_option_out_of_range_is_refused(options):
    with pytest.raises(ConfigError, match=rf"reasoner: divide-and-conquer\.{next(iter(options))}: got"):
        DivideAndConquer(**options)


def test_it_is_a_plugin():
    check_plugin(DivideAndConquer)
    check_plugin(DivideAndConquer, external="search")


@pytest.mark.parametrize(
    "setting",
    [
        DivideAndConquer(external="requests", divide="always", max_depth=1),
        DivideAndConquer(divide="always", leaf="chain-of-thought", max_depth=1, trials=2),
        DivideAndConquer(external="never", divide="thoughts", trials=2),
    ],
    ids=["requests", "trials", "thoughts"],
)
def test_settings_keep_the_contract_of_reasoners(setting):
    check_reasoner(DivideAndConquer, lambda: setting)
