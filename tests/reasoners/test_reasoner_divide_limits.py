"""Trials, budgets and options of divide-and-conquer."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_runs import run
from scripted_walks import ALONE, PARTS, QUESTION, WALK, WAYS, Wants, divide

from lottery_plugins.errors import ConfigError
from lottery_plugins.limits import Limits, StopReason
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.reasoners import DivideAndConquer
from lottery_plugins.reasoners.attempts import MAX_ATTEMPTS, MAX_SAMPLES, attempt
from lottery_plugins.testing.contracts.plugin import check_plugin
from lottery_plugins.testing.contracts.reasoner import check_reasoner
from lottery_plugins.testing.fakes import fake_problem


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


class Recorder:
    """Services that keep the sample numbers they are asked for."""

    has_memory = "handed on"

    def __init__(self):
        self.samples = []

    async def generate(self, messages, *, sample, **wishes):
        self.samples.append(sample)


attempts = st.tuples(*[st.integers(0, MAX_ATTEMPTS - 1)] * 7, st.integers(0, MAX_SAMPLES - 1))


@given(wanted=st.lists(attempts, unique=True, max_size=9))
def test_no_two_attempts_draw_the_same_sample_also_within_attempts(wanted):
    recorder = Recorder()
    for *numbers, sample in wanted:
        services = recorder
        for level, number in enumerate(numbers):
            services = attempt(services, number, 0.7, level=level)
        asyncio.run(services.generate((), purpose="x", sample=sample))
        assert services.has_memory == "handed on"
    assert len(set(recorder.samples)) == len(wanted)
    assert all(0 <= sample < 1 << 40 for sample in recorder.samples)


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


def test_a_setting_with_everything_keeps_the_contract_of_reasoners():
    setting = DivideAndConquer(external="requests", divide="always", leaf="chain-of-thought", max_depth=1, trials=2)
    check_reasoner(DivideAndConquer, lambda: setting)
