"""Divide-and-conquer divides and verifies as Algorithm 1 says, on a model that follows a script."""

import asyncio

import pytest
from scripted_runs import run
from scripted_walks import ALONE, LEAF, PARTS, QUESTION, WALK, WAYS, Wants, divide, purposes

from lottery_plugins.limits import StopReason
from lottery_plugins.memory import Scratchpad
from lottery_plugins.messages import Message
from lottery_plugins.reasoners import DivideAndConquer
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, fake_problem, scripted_facilities


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
    assert prompt_of(result, "does Ben") == f"{QUESTION}\n\nQuestion: How far does Ben walk?\nAnswer:"
    known = "Known:\nHow far does Ann walk? 2 km\nHow far does Ben walk? 3 km\n\n"
    assert prompt_of(result, "Add it up") == f"{known}{QUESTION}\n\nQuestion: Add it up\nAnswer:"
    assert prompt_of(result, "Ann and Ben") == f"{known[:-1]}Add it up 5 km\n\n{LEAF}"


def test_what_is_known_is_shown_to_the_decisions_about_a_part():
    _, backend = run(DivideAndConquer(**ALONE), divide(PARTS, **WALK), fake_problem(QUESTION))
    (asked,) = [p for p in backend.prompts if p.endswith("Add it up\nSeveral steps:")]
    known = "Known:\nHow far does Ann walk? 2 km\nHow far does Ben walk? 3 km"
    assert asked.endswith(f"{known}\n\n{QUESTION}\n\nQuestion: Add it up\nSeveral steps:")


def test_parts_that_do_not_need_each_other_are_solved_at_once():
    backend = ScriptedBackend(divide(PARTS, **WALK))
    facilities = scripted_facilities(backend, batch_size=8)
    asyncio.run(solve_all([fake_problem(QUESTION)], DivideAndConquer(external="never"), facilities, max_live=1))
    # divide?, schedule, then for Ann and Ben at once: divide?, answer; then the sum: divide?, answer; then the whole
    assert backend.batch_sizes == [1, 1, 2, 2, 1, 1, 1]


def test_each_act_is_recorded_with_the_part_that_it_was_done_for():
    memory = Scratchpad().open
    result, _ = run(DivideAndConquer(**ALONE), divide(PARTS, **WALK), fake_problem(QUESTION), open_memory=memory)
    paths = {step.path for step in result.steps}
    assert paths == {"", "1", "2", "3"}
    answers = {step.path: step.output.strip() for step in result.steps if step.purpose == "answer"}
    assert answers == {"": "together 5 km", "1": "2 km", "2": "3 km", "3": "5 km"}
    assert [s.path for s in result.steps if s.purpose == "write"] == ["1", "2", "3"]


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


def test_a_sub_problem_is_shown_with_the_facts_of_the_whole_problem():
    _, backend = run(
        DivideAndConquer(external="never", leaf="program-aided"),
        divide(PARTS),
        fake_problem(QUESTION),
        tools=[FakeTool("python", "code")],
    )
    assert any(p.endswith(f"{QUESTION}\n\nQuestion: How far does Ben walk?\nSeveral steps:") for p in backend.prompts)
    assert any(p.endswith(f"Question: {QUESTION}\n\nHow far does Ben walk?\nprint(") for p in backend.prompts)


def test_few_shot_turns_and_the_context_go_where_they_belong():
    shots = (Message("user", "1+1?"), Message("assistant", "2"))
    problem = fake_problem(QUESTION, messages=(*shots, Message("user", LEAF)), context="A long walk.", is_chat=True)
    _, backend = run(DivideAndConquer(**ALONE), divide(PARTS, **WALK), problem)
    (part,) = [
        r for r in backend.requests if r.messages[-1].content.endswith("Question: How far does Ben walk?\nAnswer:")
    ]
    assert part.messages[-1].content.startswith(f"A long walk.\n\n{QUESTION}\n\n")
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
