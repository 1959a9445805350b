"""Compressed caches in the engine: private, kept by their sessions, and the same whatever runs beside them."""

import asyncio

import pytest
from compressing import Press, Reference
from core_runs import assert_all_is_free, engine, greedy, run
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.engine.compression import CacheMethods
from lottery_plugins.errors import DataError

texts = st.lists(st.integers(0, 96), min_size=1, max_size=25)


HALF = CacheMethods(press=Press())


@given(texts)
def test_the_same_prompt_asked_again_is_computed_afresh(prompt):
    async def go():
        core = engine(HALF, num_blocks=200)
        session = core.open()
        first = await core.generate(prompt, session, greedy(4, ignore_end=True))
        again = core.fork(session, len(prompt))
        second = await core.generate([], again, greedy(4, ignore_end=True))
        core.release(session)
        core.release(again)
        assert_all_is_free(core)
        return first, second

    first, second = run(go())
    assert first.ids == second.ids


@given(texts, st.integers(1, 6))
def test_a_session_goes_on_with_nothing_new_after_a_stop_string(prompt, num_kept):
    reference = Reference(HALF)
    drawn = reference.generate(prompt, 8)
    stop = "".join(chr(33 + i) for i in drawn[num_kept : num_kept + 2])

    async def go():
        core = engine(HALF, num_blocks=200)
        session = core.open()
        first = await core.generate(prompt, session, greedy(8, stop=(stop,), ignore_end=True))
        second = await core.generate([], session, greedy(3, ignore_end=True))
        core.release(session)
        assert_all_is_free(core)
        return first, second

    first, second = run(go())
    assert first.ids == drawn[: len(first.ids)]
    if first.ids:
        same = Reference(HALF)
        same.generate(prompt, len(first.ids))
        assert second.ids == same.generate([], 3)


def test_uncompressed_blocks_are_shared_and_compressed_ones_are_not():
    prompt = list(range(40))

    async def go():
        core = engine(HALF, num_blocks=400)
        answers = await asyncio.gather(
            *[core.generate([*prompt, i], core.open(), greedy(2, ignore_end=True)) for i in range(50, 54)]
        )
        return core.statistics, answers

    statistics, answers = run(go())
    assert statistics.forwarded_tokens == 40 + 4 + 4
    assert len({a.ids for a in answers}) > 1


def test_a_session_whose_compressed_cache_was_left_half_changed_says_so():
    async def go():
        core = engine(HALF, num_blocks=100)
        session = core.open()
        await core.generate(list(range(20)), session, greedy(2, ignore_end=True))
        task = asyncio.ensure_future(core.generate([1, 2], session, greedy(50, ignore_end=True)))
        for _ in range(12):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with pytest.raises(DataError, match="cancelled"):
            await core.generate([3], session, greedy(1))
        assert_all_is_free(core)

    run(go())
