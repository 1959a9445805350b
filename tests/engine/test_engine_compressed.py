"""Compressed caches in the engine: private, kept by their sessions, and the same whatever runs beside them."""

import asyncio

import pytest
from core_runs import VOCABULARY, assert_all_is_free, engine, greedy, run
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.compression import KeyNorm
from lottery_plugins.engine.compression import CacheMethods
from lottery_plugins.errors import DataError
from lottery_plugins.protocols.kv_cache import kept_count
from lottery_plugins.testing.fake_runner import best_cells, next_token

texts = st.lists(st.integers(0, 96), min_size=1, max_size=25)


HALF = CacheMethods(press=KeyNorm(compression_ratio=0.5))


class Reference:
    """One compressed session, step by step on a list of cells."""

    def __init__(self):
        self.cells, self.length, self.pending = [], 0, []

    def generate(self, new_ids, max_tokens):
        self._read([*self.pending, *new_ids])
        token = next_token(self.cells, VOCABULARY)
        keep = kept_count(HALF.press, self.length)
        if keep < len(self.cells):
            self.cells = [self.cells[i] for i in best_cells(self.cells, keep)]
        drawn = []
        while True:
            drawn.append(token)
            if len(drawn) == max_tokens:
                self.pending = [token]
                return tuple(drawn)
            self._read([token])
            token = next_token(self.cells, VOCABULARY)

    def _read(self, ids):
        for token in ids:
            self.cells.append((token, self.length))
            self.length += 1


@given(
    st.lists(st.lists(st.tuples(texts, st.integers(1, 8)), min_size=1, max_size=4), min_size=1, max_size=5),
    st.integers(1, 20),
)
def test_compressed_sessions_give_what_each_gives_alone(sessions, step_tokens):
    async def one(core, turns):
        session = core.open()
        answers = [await core.generate(ids, session, greedy(n, ignore_end=True)) for ids, n in turns]
        core.release(session)
        return [a.ids for a in answers]

    async def go():
        core = engine(HALF, num_blocks=400, max_step_tokens=step_tokens)
        answers = await asyncio.gather(*[one(core, turns) for turns in sessions])
        assert_all_is_free(core)
        return answers

    for turns, answers in zip(sessions, run(go()), strict=True):
        reference = Reference()
        assert answers == [reference.generate(ids, n) for ids, n in turns]


@given(texts, texts, texts)
def test_a_fork_of_a_compressed_session_changes_neither(first, second, third):
    async def go():
        core = engine(HALF, num_blocks=200)
        session = core.open()
        await core.generate(first, session, greedy(3, ignore_end=True))
        twin = core.fork(session)
        one = await core.generate(second, session, greedy(4, ignore_end=True))
        two = await core.generate(third, twin, greedy(4, ignore_end=True))
        core.release(session)
        core.release(twin)
        assert_all_is_free(core)
        return one.ids, two.ids

    answers = run(go())
    for new_ids, answer in zip((second, third), answers, strict=True):
        reference = Reference()
        reference.generate(first, 3)
        assert answer == reference.generate(new_ids, 4)


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
    reference = Reference()
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
        same = Reference()
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


@given(texts, texts)
def test_a_score_reads_its_continuation_behind_the_compressed_context(context, continuation):
    async def go():
        core = engine(HALF, num_blocks=100, max_step_tokens=7)
        score = await core.score(context, continuation)
        assert_all_is_free(core)
        return score

    score = run(go())
    reference = Reference()
    reference._read(context)
    expected = [next_token(reference.cells, VOCABULARY)]
    reference.cells, reference.length, reference.pending = [], 0, []
    reference.generate(context, 1)
    for token in continuation[:-1]:
        reference._read([token])
        expected.append(next_token(reference.cells, VOCABULARY))
    assert score.logprobs == tuple(-1.0 - d - t / 100 for d, t in zip(expected, continuation, strict=True))


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
