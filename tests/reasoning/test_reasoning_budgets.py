"""What a reasoner may do is budgeted: tokens, calls and time."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_services import ASK, services

from lottery_plugins.generation import Completion
from lottery_plugins.limits import BudgetExceededError, Limits, StopReason
from lottery_plugins.reasoning.facilities import Facilities
from lottery_plugins.reasoning.services import ProblemServices
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, fake_problem


@settings(deadline=None)
@given(
    wishes=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    lengths=st.lists(st.integers(0, 60), min_size=8, max_size=8),
    limit=st.integers(1, 80),
    at_once=st.booleans(),
)
def test_tokens_are_never_outspent(wishes, lengths, limit, at_once):
    backend = ScriptedBackend("w " * n for n in lengths)
    mine = services(backend, limits=Limits(max_new_tokens=limit), batch_size=4)

    async def spend():
        asks = [mine.generate(ASK, purpose="p", max_tokens=wish, stop=()) for wish in wishes]
        if at_once:
            return await asyncio.gather(*asks, return_exceptions=True)
        return [(await asyncio.gather(ask, return_exceptions=True))[0] for ask in asks]

    ends = asyncio.run(spend())
    assert all(isinstance(end, Completion | BudgetExceededError) for end in ends)
    assert sum(step.completion_tokens for step in mine.steps) <= limit
    assert len(mine.steps) == len(backend.prompts)


def test_unused_tokens_are_given_back():
    mine = services(ScriptedBackend(["a b"] * 9), limits=Limits(max_new_tokens=10))

    async def spend():
        for _ in range(5):
            await mine.generate(ASK, purpose="p", max_tokens=10)
        await mine.generate(ASK, purpose="p", max_tokens=10)

    with pytest.raises(BudgetExceededError) as caught:
        asyncio.run(spend())
    assert caught.value.reason is StopReason.MAX_TOKENS
    assert len(mine.steps) == 5


def test_all_allowed_tokens_are_charged_when_nobody_can_count():
    async def generate(request):
        return Completion("one two", "p")

    mine = ProblemServices(fake_problem(), Facilities(generate=generate, limits=Limits(max_new_tokens=10)))

    async def spend():
        await mine.generate(ASK, purpose="p", max_tokens=10)
        await mine.generate(ASK, purpose="p", max_tokens=10)

    with pytest.raises(BudgetExceededError):
        asyncio.run(spend())


def test_a_failed_completion_charges_no_tokens():
    calls = []

    async def generate(request):
        calls.append(request)
        if len(calls) == 1:
            raise OSError("gone")
        return Completion("ok", "p", completion_tokens=1)

    mine = ProblemServices(fake_problem(), Facilities(generate=generate, limits=Limits(max_new_tokens=8)))

    async def spend():
        with pytest.raises(OSError, match="gone"):
            await mine.generate(ASK, purpose="p", max_tokens=8)
        await mine.generate(ASK, purpose="p", max_tokens=8)

    asyncio.run(spend())
    assert calls[1].config.max_tokens == 8
    assert [s.output for s in mine.steps] == ["ok"]


@pytest.mark.parametrize(
    ("limits", "act", "reason"),
    [
        (Limits(max_calls=1), lambda s: s.generate(ASK, purpose="p"), StopReason.MAX_CALLS),
        (Limits(max_tool_calls=1), lambda s: s.call_tool("echo", {"text": "x"}), StopReason.MAX_TOOL_CALLS),
        (Limits(max_tool_calls=1), lambda s: s.call_tool("none", {}), StopReason.MAX_TOOL_CALLS),
    ],
)
def test_a_spent_limit_names_itself(limits, act, reason):
    mine = services(limits=limits, tools=[FakeTool()])

    async def twice():
        await act(mine)
        await act(mine)

    with pytest.raises(BudgetExceededError) as caught:
        asyncio.run(twice())
    assert caught.value.reason is reason


def test_time_ends_an_act_under_way():
    async def generate(request):
        await asyncio.sleep(60)

    mine = ProblemServices(fake_problem(), Facilities(generate=generate, limits=Limits(max_seconds=0.05)))
    with pytest.raises(BudgetExceededError) as caught:
        asyncio.run(mine.generate(ASK, purpose="p"))
    assert caught.value.reason is StopReason.MAX_SECONDS


def test_time_refuses_an_act_that_comes_too_late():
    now = [0.0]
    mine = services(limits=Limits(max_seconds=5.0), clock=lambda: now[0])
    now[0] = 5.0
    with pytest.raises(BudgetExceededError) as caught:
        asyncio.run(mine.generate(ASK, purpose="p"))
    assert caught.value.reason is StopReason.MAX_SECONDS


def test_a_timeout_inside_the_scheduler_is_not_taken_for_the_limit():
    async def generate(request):
        raise TimeoutError("server")

    mine = ProblemServices(fake_problem(), Facilities(generate=generate))
    with pytest.raises(TimeoutError, match="server"):
        asyncio.run(mine.generate(ASK, purpose="p"))
