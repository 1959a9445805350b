"""A cache with room for some of the trajectories: they are finished, not computed again in turn."""

import asyncio

import pytest
from core_runs import assert_all_is_free, engine, greedy, run

from lottery_plugins.engine.residents import Residents

SHARED = list(range(20, 36))


async def _trajectory(core, rank, steps, answers):
    session = core.open(rank)
    text = [*SHARED, 40 + rank]
    new = text
    for step in range(steps):
        answer = await core.generate(new, session, greedy(4, ignore_end=True))
        answers[rank, step] = answer.ids
        text = [*text, *answer.ids]
        new = [rank, step, 3, 4, 5, 6]
        text = [*text, *new]
    core.release(session)


@pytest.mark.parametrize(("room_for", "most"), [(2, 1.35), (4, 1.35), (8, 1.3), (16, 1.0)])
def test_a_scarce_cache_costs_little(room_for, most):
    longest = len(SHARED) + 1 + 4 * 10
    num_blocks = len(SHARED) // 4 + room_for * -(-(longest - len(SHARED)) // 4) + 2

    async def go(num_blocks):
        core, answers = engine(num_blocks=num_blocks), {}
        await asyncio.gather(*[_trajectory(core, rank, 4, answers) for rank in range(16)])
        assert_all_is_free(core)
        return core.statistics, answers

    statistics, answers = run(go(num_blocks))
    ideal = len(SHARED) + 16 * (1 + 4 * 4 + 3 * 6 - 1)
    assert ideal <= statistics.forwarded_tokens <= most * ideal
    assert answers == run(go(1000))[1]


def test_with_room_for_all_none_is_held_back():
    residents = Residents()
    for rank in range(1000):
        residents.open(rank)
        assert residents.may_enter(rank)
        residents.enter(rank)


def test_after_a_loss_as_many_are_let_in_as_are_left_and_one_more_when_as_many_have_ended():
    residents = Residents()
    for rank in range(4):
        residents.open(rank)
        residents.enter(rank)
    residents.lose(3)
    assert not residents.may_enter(3)
    assert residents.may_enter(2)
    for rank in range(3):
        residents.close(rank)
        residents.open(rank + 10)
        assert residents.may_enter(rank + 10)
        residents.enter(rank + 10)
    assert not residents.may_enter(3)
    residents.close(10)
    residents.enter(3)
    assert residents.may_enter(20)


def test_a_trajectory_with_several_sessions_is_over_with_the_last_one():
    residents = Residents()
    for rank in (1, 1, 2):
        residents.open(rank)
        residents.enter(rank)
    residents.lose(2)
    residents.close(1)
    assert not residents.may_enter(3)
    residents.close(1)
    assert residents.may_enter(3)
