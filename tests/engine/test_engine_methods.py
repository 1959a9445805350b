"""KV-cache methods in the engine: intervals, budgets of layers, encoded groups, what is observed; against lists."""

import asyncio

import pytest
from compressing import FallingPress, Press, Quantizer, Reference, joined, methods
from core_runs import assert_all_is_free, engine, greedy, run
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.engine.compression import CacheState

texts = st.lists(st.integers(0, 96), min_size=1, max_size=25)
turns = st.lists(st.tuples(texts, st.integers(1, 12)), min_size=1, max_size=4)


async def live(core, turns):
    session = core.open()
    answers = [(await core.generate(ids, session, greedy(n, ignore_end=True))).ids for ids, n in turns]
    core.release(session)
    return answers


@given(methods, st.lists(turns, min_size=1, max_size=4), st.booleans(), st.integers(1, 20))
def test_sessions_give_what_each_gives_alone(methods, sessions, is_shared, step_tokens):
    if is_shared:
        sessions = [[(list(range(30, 43)) + ids, n) for ids, n in turns] for turns in sessions]

    async def go():
        core = engine(methods, num_blocks=600, max_step_tokens=step_tokens)
        answers = await asyncio.gather(*[live(core, turns) for turns in sessions])
        assert_all_is_free(core)
        return answers

    for turns, answers in zip(sessions, run(go()), strict=True):
        reference = Reference(methods)
        assert answers == [reference.generate(ids, n) for ids, n in turns]


@given(methods, texts, st.integers(1, 12), texts, texts)
def test_forks_go_on_apart(methods, first, num_first, second, third):
    async def go():
        core = engine(methods, num_blocks=300)
        session = core.open()
        await core.generate(first, session, greedy(num_first, ignore_end=True))
        twin = core.fork(session)
        both = [(session, second), (twin, third)]
        answers = await asyncio.gather(*[core.generate(ids, s, greedy(7, ignore_end=True)) for s, ids in both])
        more = await asyncio.gather(*[core.generate([7], s, greedy(5, ignore_end=True)) for s, _ in both])
        for s, _ in both:
            core.release(s)
        assert_all_is_free(core)
        return [(a.ids, b.ids) for a, b in zip(answers, more, strict=True)]

    for new_ids, answers in zip((second, third), run(go()), strict=True):
        reference = Reference(methods)
        reference.generate(first, num_first)
        assert answers == (reference.generate(new_ids, 7), reference.generate([7], 5))


@given(methods, texts, texts)
def test_scores_read_on_behind_a_context_that_is_compressed_once_more_at_its_end(methods, context, continuation):
    async def go():
        core = engine(methods, num_blocks=200, max_step_tokens=7)
        scores = await asyncio.gather(*[core.score(context, continuation) for _ in range(2)])
        assert_all_is_free(core)
        return [score.logprobs for score in scores]

    expected = Reference(methods).score(context, continuation)
    assert run(go()) == [expected, expected]


@given(methods, st.lists(turns, min_size=2, max_size=5), st.integers(0, 40))
def test_with_little_room_and_a_cancelled_neighbour_each_is_answered_as_alone(methods, sessions, after):
    async def cancelled(core):
        task = asyncio.ensure_future(live(core, [(list(range(24)), 30)]))
        for _ in range(after):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def go():
        core = engine(methods, num_blocks=110, max_step_tokens=9)
        *answers, _ = await asyncio.gather(*[live(core, turns) for turns in sessions], cancelled(core))
        return answers

    for turns, answers in zip(sessions, run(go()), strict=True):
        reference = Reference(methods)
        assert answers == [reference.generate(ids, n) for ids, n in turns]


@given(methods, st.integers(0, 40), st.integers(1, 60), st.integers(0, 40), st.booleans())
def test_a_job_never_takes_more_slots_than_were_reckoned(methods, history, new, answer, is_scored):
    state, history = CacheState(), 0 if is_scored else history
    if history:
        while (at := methods.acts_at(state, history, False)) is not None and at <= history:
            state = methods.acted(state.read(at), history)
    context = history + new
    first, most = methods.slots_needed(state, context, context + answer, is_scored)
    was_compressed = state.compressed_at is not None
    for text in range(state.text + 1, context + answer + 1):
        at = methods.acts_at(state, context, is_scored)
        state = state.read(text)
        assert state.cached <= (most if was_compressed or state.compressed_at is not None or not first else first)
        if text == at:
            state = methods.acted(state, context)


def test_nothing_that_was_computed_behind_a_compression_is_found_by_others():
    prompt = list(range(40))

    async def go(press):
        core = engine(joined(press, None), num_blocks=400, block_size=4)
        for _ in range(2):
            answer = await core.generate(prompt, core.open(), greedy(2, ignore_end=True))
        return answer.cached_tokens

    found = {
        at: run(go(press))
        for at, press in (
            ("end", Press()),
            ("interval", Press(prefill_interval=16)),
            ("queries", Press(num_queries=5)),
            ("both", Press(prefill_interval=16, num_queries=5)),
            ("mass", Press(needs_mass=True)),
        )
    }
    assert found == {"end": 39, "interval": 15, "queries": 35, "both": 11, "mass": 0}


def test_bytes_are_counted_as_held_and_as_nominal():
    async def go(methods):
        core = engine(methods, num_blocks=100)
        await core.generate(list(range(20)), core.open(), greedy(3, ignore_end=True))
        counts = core.statistics
        return counts.pressed_tokens, counts.kept_tokens, counts.full_bytes, counts.held_bytes, counts.nominal_bytes

    assert run(go(joined(Press(), None))) == (20, 10, 480, 240, 240)
    assert run(go(joined(FallingPress(), None))) == (20, 9, 480, 15 * 24, (15 + 7 + 5) * 8)
    # 4 of 5 groups of 4, each in 2 slots, and the residual of 4
    assert run(go(joined(None, Quantizer()))) == (20, 20, 480, (4 * 2 + 4) * 24, (4 * 2 + 4) * 24)


@pytest.mark.parametrize("methods", [joined(Press(decoding_interval=4), Quantizer(decoding_interval=2))])
def test_a_long_answer_takes_no_more_memory_than_its_intervals_allow(methods):
    async def go():
        core = engine(methods, num_blocks=21, block_size=4)
        return await core.generate(list(range(20)), core.open(), greedy(60, ignore_end=True))

    assert run(go()).ids == Reference(methods).generate(list(range(20)), 60)


def test_an_answer_whose_stop_string_begins_before_the_last_compression_is_read_afresh():
    methods = joined(Press(decoding_interval=1), None)
    prompt = list(range(30))
    drawn = Reference(methods).generate(prompt, 8)
    stop = "".join(chr(33 + token) for token in drawn[3:6])

    async def go():
        core = engine(methods, num_blocks=100)
        session = core.open()
        first = await core.generate(prompt, session, greedy(8, stop=(stop,), ignore_end=True))
        second = await core.generate([1, 2], session, greedy(4, ignore_end=True))
        core.release(session)
        assert_all_is_free(core)
        return first, second

    first, second = run(go())
    assert first.ids == drawn[:3]
    assert second.ids == Reference(methods).generate([*prompt, *drawn[:3], 1, 2], 4)
