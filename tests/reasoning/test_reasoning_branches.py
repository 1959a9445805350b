"""Acts done at once are recorded branch by branch, whichever is quicker."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_services import services

from lottery_plugins.generation import Completion
from lottery_plugins.limits import BudgetExceededError, StopReason
from lottery_plugins.messages import Message
from lottery_plugins.reasoning.branches import together

NAMES = [f"{outer}{inner}{n}" for outer in "ab" for inner in "xy" for n in (1, 2)]


def slow(delays):
    """A model that takes so many turns of the event loop for each prompt."""

    async def generate(request):
        prompt = request.messages[-1].content
        for _ in range(delays.get(prompt, 0)):
            await asyncio.sleep(0)
        return Completion(text=prompt, prompt=prompt, completion_tokens=1)

    return generate


async def act(own, *prompts):
    for prompt in prompts:
        await own.generate((Message("user", prompt),), purpose=prompt)
    return prompts[-1]


def tree(delays):
    """Two branches at once, each of which parts in two again, between a first and a last act."""
    own = services(generate=slow(delays))

    async def outer(name):
        await act(own, name)
        return await together(act(own, f"{name}{inner}1", f"{name}{inner}2") for inner in "xy")

    async def main():
        await act(own, "first")
        found = await together(outer(name) for name in "ab")
        await act(own, "last")
        return found

    return asyncio.run(main()), [step.purpose for step in own.steps]


@given(delays=st.dictionaries(st.sampled_from(["a", "b", *NAMES]), st.integers(0, 9)))
def test_the_record_does_not_depend_on_which_branch_is_quicker(delays):
    results, record = tree(delays)
    assert results == [["ax2", "ay2"], ["bx2", "by2"]]
    assert record == ["first", "a", *NAMES[:4], "b", *NAMES[4:], "last"]


def test_acts_of_different_problems_do_not_mix():
    async def one(name):
        own = services(generate=slow({}))
        await together(act(own, f"{name}{i}") for i in range(3))
        return [step.purpose for step in own.steps]

    async def both():
        return await asyncio.gather(one("a"), one("b"))

    assert asyncio.run(both()) == [["a0", "a1", "a2"], ["b0", "b1", "b2"]]


def test_services_used_outside_of_the_task_that_made_them_keep_the_order_of_start():
    async def make():
        return services(generate=slow({"a": 5}))

    own = asyncio.run(make())

    async def use():
        await together(act(own, name) for name in "ab")
        await act(own, "c")

    asyncio.run(use())
    assert [step.purpose for step in own.steps] == ["a", "b", "c"]


def test_all_acts_end_before_the_first_failure_is_told():
    ended = []

    async def fail(error, turns):
        for _ in range(turns):
            await asyncio.sleep(0)
        ended.append(error)
        raise error

    spent, broken = BudgetExceededError(StopReason.MAX_CALLS), ValueError("broken")

    async def main():
        await together([fail(spent, 0), fail(broken, 3), fail(ValueError("later"), 1)])

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(main())
    assert len(ended) == 3
