"""Executable rate and accuracy given executed, from recorded steps."""

import pytest
from lottery_logic.rates import LogicRates, is_executed, is_solved

from lottery_plugins.limits import StopReason
from lottery_plugins.trajectory import Step, Trajectory

TRANSLATE = Step(kind="generate", purpose="translate")
REFINE = Step(kind="generate", purpose="refine")
RAN = Step(kind="tool", tool="logic", output="true")
REFUSED = Step(kind="tool", tool="logic", error="arguments")
THOUGHT = Step(kind="generate", purpose="reason")


def trajectory(*steps, answer="A", doc_id=0):
    reason = StopReason.ANSWERED if answer else StopReason.NO_ANSWER
    return Trajectory(task="t", doc_id=doc_id, sample=0, answer=answer, stop_reason=reason, steps=steps)


@pytest.mark.parametrize(
    ("made", "executed", "solved"),
    [
        (trajectory(TRANSLATE, RAN), True, True),
        (trajectory(TRANSLATE, REFUSED, REFINE, RAN), True, True),
        (trajectory(TRANSLATE, RAN, REFINE, REFUSED, answer=""), False, False),
        (trajectory(TRANSLATE, RAN, answer=""), True, False),
        (trajectory(TRANSLATE, REFUSED, THOUGHT), False, False),
        (trajectory(TRANSLATE, RAN, THOUGHT), True, False),
        (trajectory(answer=""), False, False),
    ],
)
def test_the_last_program_decides_and_a_fallback_does_not_count_as_solved(made, executed, solved):
    assert (is_executed(made), is_solved(made)) == (executed, solved)


def test_rates_count_apart_what_ran_and_what_was_right():
    made = [
        trajectory(TRANSLATE, RAN, doc_id=0),
        trajectory(TRANSLATE, REFUSED, REFINE, RAN, doc_id=1),
        trajectory(TRANSLATE, REFUSED, THOUGHT, doc_id=2),
        trajectory(TRANSLATE, REFUSED, answer="", doc_id=3),
    ]
    rates = LogicRates.of(made, lambda t: t.doc_id in (0, 2))
    assert rates == LogicRates(problems=4, executed=2, refined=1, solved=2, right_solved=1, right=2)


def test_no_trajectories_give_zeros():
    assert LogicRates.of([], lambda t: True) == LogicRates()
