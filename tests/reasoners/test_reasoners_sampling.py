"""Self-consistency, best-of-n and debate do what their papers say, step by step, on a model that follows a script."""

import asyncio
from collections import Counter

import pytest
from scripted_runs import run

from lottery_plugins.errors import ConfigError
from lottery_plugins.limits import Limits, StopReason
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.reasoners import BestOfN, ChainOfThought, Debate, SelfConsistency
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.reasoning.services import SAMPLE_STRIDE
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, fake_problem, scripted_facilities


class Likes:
    """A verifier that scores answers as it was told."""

    name, summary = "likes", "Scores as it was told."

    def __init__(self, **scores):
        self.scores, self.asked = scores, []

    async def verify(self, problem, answer, services):
        self.asked.append(answer)
        await services.generate(problem.messages, purpose="judge")
        return Judgement(self.scores.get(answer, 0.0), True)


def chains(*answers):
    """Replies of one chain of thought per answer: all reasonings, then all conclusions."""
    return [f" so it is {a}." for a in answers] + [f" {a}." for a in answers]


def test_self_consistency_answers_what_most_chains_conclude():
    result, _ = run(SelfConsistency(samples=3), chains("7", "5", "5.0"))
    assert (result.answer, result.stop_reason) == ("5", StopReason.ANSWERED)
    assert Counter(s.purpose for s in result.steps) == {"reason": 3, "conclude": 3}


def test_answer_of_one_sample_is_in_the_form_that_chain_of_thought_gives():
    replies = [" They add.\n2 + 3 = 5", " **5 pens**."]
    assert run(SelfConsistency(samples=1), replies)[0].answer == run(ChainOfThought(), replies)[0].answer == "5 pens"


def test_only_the_reasoning_is_drawn_and_each_sample_has_its_number():
    problem = fake_problem(sample=2)
    _, backend = run(SelfConsistency(samples=3, temperature=0.4), chains("1", "2", "3"), problem)
    drawn = [(r.config.do_sample, r.config.temperature if r.config.do_sample else None) for r in backend.requests]
    assert drawn == [(True, 0.4)] * 3 + [(False, None)] * 3
    assert [r.sample for r in backend.requests] == [2, SAMPLE_STRIDE + 2, 2 * SAMPLE_STRIDE + 2] * 2


def test_samples_are_asked_for_at_once():
    backend = ScriptedBackend(chains(*"12345"))
    facilities = scripted_facilities(backend, batch_size=8)
    asyncio.run(solve_all([fake_problem()], SelfConsistency(samples=5), facilities, max_live=1))
    assert backend.batch_sizes == [5, 5]


def test_self_consistency_of_direct_answers_keeps_their_text():
    result, _ = run(SelfConsistency(samples=3, method="direct"), [" 6", " I say:  5", " 5"])
    assert result.answer == " 6"  # three different texts: "I say: 5" names no unit of 5
    assert [s.purpose for s in result.steps] == ["answer"] * 3
    result, _ = run(SelfConsistency(samples=3, method="direct"), [" 6", " 5", "The answer is 5."])
    assert result.answer == " 5"


def test_self_consistency_of_programs_runs_them_all():
    tool = FakeTool("python", "code", lambda code: code.removeprefix("print(").removesuffix(")"))
    method = SelfConsistency(samples=3, method="program-aided", max_tokens=9)
    result, backend = run(method, ["7)", "5)", "5)"], tools=[tool])
    assert result.answer == "5"
    assert all(r.config.max_tokens == 9 for r in backend.requests)


def test_a_vote_without_any_answer_says_that_there_is_none():
    result, _ = run(SelfConsistency(samples=2), [])
    assert (result.answer, result.stop_reason) == ("", StopReason.NO_ANSWER)


def test_chains_that_the_budget_ended_do_not_vote_and_the_reason_tells():
    result, backend = run(SelfConsistency(samples=3), chains("5", "6", "6"), limits=Limits(max_calls=2))
    assert (result.answer, result.stop_reason) == ("so it is 5", StopReason.MAX_CALLS)
    assert len(backend.prompts) == 2


def test_without_a_number_of_samples_tries_are_made_until_the_budget_is_spent():
    """Each reply is one token, so that a budget of 4 buys four answers, the first of them undrawn."""
    problem = fake_problem(budget_tokens=4)
    method = SelfConsistency(samples=None, method="direct")
    result, backend = run(method, ["6", "5", "5", "7", "5", "5"], problem)
    assert (result.answer, result.stop_reason) == ("5", StopReason.ANSWERED)
    assert [r.config.do_sample for r in backend.requests] == [False, True, True, True]
    assert len({r.sample for r in backend.requests}) == 4


@pytest.mark.parametrize("method", ["direct", "chain-of-thought"])
def test_the_first_try_is_whole_even_when_the_budget_is_not(method):
    problem = fake_problem(budget_tokens=1)
    result, backend = run(SelfConsistency(samples=None, method=method), [" so it is 5.", " 5."], problem)
    assert len(backend.requests) == (1 if method == "direct" else 2)
    assert result.stop_reason is StopReason.ANSWERED


def test_without_a_budget_tries_go_on_until_a_limit_of_the_run_and_the_reason_tells():
    result, backend = run(SelfConsistency(samples=None, method="direct"), ["5"] * 9, limits=Limits(max_calls=3))
    assert (result.answer, result.stop_reason, len(backend.requests)) == ("5", StopReason.MAX_CALLS, 3)


def test_best_of_n_gives_the_answer_with_the_highest_score():
    verifier = Likes(**{"5": 0.9, "6": 0.4})
    result, _ = run(BestOfN(samples=3), chains("6", "5", "6"), verifier=verifier)
    assert (result.answer, result.stop_reason) == ("5", StopReason.ANSWERED)
    assert verifier.asked == ["6", "5"]
    assert [s.kind for s in result.steps].count("verify") == 2


def test_best_of_n_gives_the_first_of_equals():
    assert run(BestOfN(samples=3), chains("6", "5", "7"), verifier=Likes())[0].answer == "6"


def test_an_answer_that_the_budget_left_unjudged_does_not_win():
    verifier = Likes(**{"6": 0.1, "5": 0.9})
    result, _ = run(BestOfN(samples=2), chains("6", "5"), verifier=verifier, limits=Limits(max_calls=5))
    assert (result.answer, result.stop_reason) == ("6", StopReason.MAX_CALLS)


def test_without_any_judgement_best_of_n_gives_the_first_answer_and_the_reason():
    result, _ = run(BestOfN(samples=2), chains("6", "5"), verifier=Likes(), limits=Limits(max_calls=4))
    assert (result.answer, result.stop_reason) == ("6", StopReason.MAX_CALLS)


def test_best_of_n_judges_no_blank_answer():
    verifier = Likes()
    result, _ = run(BestOfN(samples=2), [], verifier=verifier)
    assert (result.answer, result.stop_reason, verifier.asked) == ("", StopReason.NO_ANSWER, [])


def test_debaters_read_the_others_and_vote_at_the_end():
    replies = [" I get 5", " I get 6", " I get 5", " the answer is 5.", " the answer is 5.", " the answer is 6."]
    result, backend = run(Debate(agents=3, rounds=2), replies)
    assert (result.answer, result.stop_reason) == ("5", StopReason.ANSWERED)
    second = backend.prompts[4]
    assert "Let's think step by step. I get 6" in second
    assert second.count("One agent says: I get 5\n") == 2
    assert "One agent says: I get 6" not in second
    assert [s.purpose for s in result.steps] == ["reason"] * 3 + ["revise"] * 3
    assert [r.sample // SAMPLE_STRIDE for r in backend.requests] == [0, 1, 2] * 2
    assert all(r.config.do_sample for r in backend.requests)


def test_debate_of_three_rounds_keeps_the_whole_conversation():
    _, backend = run(Debate(agents=2, rounds=3), [" 1", " 2", " 3", " 4", " 5", " 6"], fake_problem(is_chat=True))
    roles = [m.role for m in backend.requests[-1].messages]
    assert roles == ["user", "assistant"] * 3
    assert [m.content[-2:] for m in backend.requests[-1].messages if m.role == "assistant"][:2] == [" 2", " 4"]


def test_debate_that_the_budget_ends_votes_on_what_was_said_last():
    replies = ["answer is 5.", "answer is 6.", "answer is 5.", "answer is 6."]
    result, _ = run(Debate(agents=3, rounds=2), replies, limits=Limits(max_calls=4))
    assert (result.answer, result.stop_reason) == ("6", StopReason.MAX_CALLS)


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: SelfConsistency(samples=0), "self-consistency.samples"),
        (lambda: SelfConsistency(temperature=0.0), "self-consistency.temperature"),
        (lambda: SelfConsistency(method="cot"), "self-consistency.method"),
        (lambda: SelfConsistency(max_tokens=0), "self-consistency.max_tokens"),
        (lambda: BestOfN(samples=0), "best-of-n.samples"),
        (lambda: BestOfN(temperature=-1.0), "best-of-n.temperature"),
        (lambda: BestOfN(method="react"), "best-of-n.method"),
        (lambda: Debate(agents=1), "debate.agents"),
        (lambda: Debate(rounds=0), "debate.rounds"),
        (lambda: Debate(temperature=0.0), "debate.temperature"),
    ],
)
def test_an_option_of_a_sampling_method_out_of_range_is_refused_by_name(make, where):
    with pytest.raises(ConfigError, match=where):
        make()


def test_a_tool_that_breaks_fails_the_problem_after_all_samples_ended():
    def broken(code):
        raise RuntimeError("broken")

    facilities = scripted_facilities(ScriptedBackend(["1)"] * 3), tools=[FakeTool("python", "code", broken)])
    method = SelfConsistency(samples=3, method="program-aided")
    (result,) = asyncio.run(solve_all([fake_problem()], method, facilities, max_live=1))
    assert result.stop_reason is StopReason.FAILED
    assert "broken" in result.error


def test_what_a_method_needs_is_needed_before_the_model_is_loaded():
    assert SelfConsistency().needs == ()
    assert SelfConsistency(method="program-aided").needs == ("tools",)
    assert BestOfN(method="program-aided").needs == ("verifier", "tools")
    assert BestOfN().needs == BestOfN.needs == ("verifier",)
