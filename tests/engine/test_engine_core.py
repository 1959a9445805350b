"""The scheduler and its cache on a runner whose next token tells of every mistake in them."""

import asyncio
import random

import pytest
from core_runs import END, alone, ask, assert_all_is_free, engine, greedy, run
from hypothesis import given
from hypothesis import strategies as st

texts = st.lists(st.integers(0, 96), min_size=1, max_size=40)
prefixed = st.tuples(st.sampled_from([[], [7] * 9, list(range(20, 45))]), texts).map(lambda pair: pair[0] + pair[1])


@given(
    st.lists(st.tuples(prefixed, st.integers(1, 12), st.integers(0, 30)), min_size=1, max_size=12),
    st.integers(1, 20),
    st.integers(18, 60),
    st.integers(1, 5),
)
def test_every_request_is_answered_once_with_the_tokens_it_gets_alone(requests, step_tokens, num_blocks, block_size):
    num_blocks = max(num_blocks, -(-80 // block_size))

    async def all_at_once():
        core = engine(num_blocks=num_blocks, block_size=block_size, max_step_tokens=step_tokens)
        answers = await asyncio.gather(*[ask(core, *request) for request in requests])
        assert_all_is_free(core)
        return answers

    for (ids, max_tokens, _), answer in zip(requests, run(all_at_once()), strict=True):
        assert answer.ids == alone(ids, max_tokens)
        assert answer.prompt_tokens == len(ids)


@given(
    st.lists(
        st.tuples(prefixed, st.integers(1, 12), st.integers(0, 20), st.none() | st.integers(0, 40)),
        min_size=1,
        max_size=10,
    ),
    st.integers(1, 12),
)
def test_cancelled_requests_leave_their_mates_answered_and_nothing_held(requests, step_tokens):
    async def go():
        core = engine(num_blocks=40, max_step_tokens=step_tokens)
        tasks = [asyncio.ensure_future(ask(core, ids, n, delay)) for ids, n, delay, _ in requests]

        async def cancel(task, when):
            for _ in range(when):
                await asyncio.sleep(0)
            task.cancel()

        cancels = [cancel(task, when) for task, (*_, when) in zip(tasks, requests, strict=True) if when is not None]
        await asyncio.gather(*cancels)
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
        assert_all_is_free(core)
        return answers

    for (ids, n, _, when), answer in zip(requests, run(go()), strict=True):
        if when is None or not isinstance(answer, asyncio.CancelledError):
            assert answer.ids == alone(ids, n)


@given(st.data())
def test_sessions_forks_and_releases_give_the_tokens_of_the_whole_text(data):
    async def go():
        core = engine(num_blocks=data.draw(st.integers(30, 80)), max_step_tokens=16)
        sessions = [core.open()]
        for _ in range(data.draw(st.integers(1, 12))):
            session = data.draw(st.sampled_from(sessions))
            act = data.draw(st.sampled_from(["go on", "go on", "fork", "release"]))
            if act == "go on" and len(session.ids) < 60:
                new, before = data.draw(texts), list(session.ids)
                answer = await core.generate(new, session, greedy(6))
                assert answer.ids == alone(before + new, 6)
                assert session.ids == [*before, *new, *answer.ids]
            elif act == "fork":
                sessions.append(core.fork(session, data.draw(st.integers(0, len(session.ids)))))
            else:
                core.release(session)
                core.release(session)
                sessions.remove(session)
                sessions.append(core.open())
        assert_all_is_free(core)

    run(go())


def test_a_shared_prefix_is_computed_once_even_when_all_ask_at_the_same_moment():
    prefix = [*range(30), 3]

    async def go(step_tokens):
        core = engine(num_blocks=400, max_step_tokens=step_tokens)
        await asyncio.gather(*[ask(core, [*prefix, 40 + i, 50 + i], 1) for i in range(20)])
        return core

    for step_tokens in (64, 7):
        core = run(go(step_tokens))
        assert core._runner.forwarded == core.statistics.forwarded_tokens
        assert core.statistics.forwarded_tokens <= len(prefix) + 20 * 2 + (31 % 4) * (19 if step_tokens == 7 else 0)


def test_equal_prompts_are_computed_once():
    async def go():
        core = engine(num_blocks=400)
        await asyncio.gather(*[ask(core, list(range(30)), 1) for _ in range(8)])
        return core.statistics

    statistics = run(go())
    assert statistics.forwarded_tokens == 30 + 7
    assert statistics.hit_rate == pytest.approx(7 * 29 / 240)


def test_a_session_forwards_only_what_is_new():
    async def go():
        core = engine(num_blocks=100)
        session = core.open()
        first = await core.generate(list(range(30)), session, greedy(4, ignore_end=True))
        second = await core.generate([60, 61, 62], session, greedy(4, ignore_end=True))
        return first, second

    first, second = run(go())
    assert first.forwarded_tokens == 30 + 3
    assert second.forwarded_tokens == 1 + 3 + 3  # the token drawn last was not forwarded yet
    assert second.cached_tokens == 33


def test_earlier_trajectories_are_finished_first_when_memory_is_scarce():
    order = []

    async def one(core, rank):
        session = core.open(rank)
        await core.generate([rank] * 20, session, greedy(8, ignore_end=True))
        order.append(rank)

    async def go():
        core = engine(num_blocks=8)  # room for one
        await asyncio.gather(*[one(core, rank) for rank in (3, 1, 2, 0)])

    run(go())
    assert order == [0, 1, 2, 3]


def test_memory_that_no_job_uses_makes_room():
    async def go():
        core = engine(num_blocks=10)
        for i in range(30):
            answer = await ask(core, [i] * 20, 5)
            assert answer.ids == alone([i] * 20, 5)
        return core.statistics.evicted_blocks

    assert run(go()) > 100


@given(texts, st.integers(1, 30))
def test_a_stop_string_ends_the_completion_before_it(ids, max_tokens):
    full = alone(ids, max_tokens)
    text = "".join(chr(33 + i) for i in full)
    stop = text[len(text) // 2 : len(text) // 2 + 2] or "zz"

    async def go():
        core = engine()
        session = core.open()
        answer = await core.generate(ids, session, greedy(max_tokens, stop=(stop,)))
        assert session.ids == [*ids, *answer.ids]
        more = await core.generate([1, 2], session, greedy(3))
        assert more.ids == alone([*ids, *answer.ids, 1, 2], 3)
        return answer

    answer = run(go())
    assert answer.text == text.split(stop)[0]
    assert answer.ids == full[: len(answer.text)]
    assert answer.finish_reason == ("stop" if stop in text or len(full) < max_tokens else "length")


@given(texts, texts, st.integers(1, 9))
def test_a_score_is_that_of_the_tokens_one_by_one_and_shares_contexts(context, continuation, step_tokens):
    async def go():
        core = engine(num_blocks=80, max_step_tokens=step_tokens)
        both = await asyncio.gather(*[core.score(context, continuation) for _ in range(3)])
        assert_all_is_free(core)
        return both

    answers = run(go())
    greedy_ids = []
    for i, target in enumerate(continuation):
        drawn = _greedy_token([*context, *continuation[:i]])
        greedy_ids.append(drawn)
        assert answers[0].logprobs[i] == -1.0 - drawn - target / 100
    assert answers[0].is_greedy == (greedy_ids == continuation)
    assert len(answers[0].logprobs) == len(continuation)
    assert all(a.logprobs == answers[0].logprobs for a in answers)


def _greedy_token(ids):
    from lottery_plugins.testing.fake_runner import next_token

    return next_token([(token, i) for i, token in enumerate(ids)], 97)


def test_sampling_depends_on_seed_sample_and_prompt_alone():
    async def go(order, **fields):
        core = engine(num_blocks=200, max_step_tokens=random.Random(order).randint(5, 40))
        many = [ask(core, [7, 8, 9], 6, delay=(i * order) % 5, do_sample=True, sample=i, **fields) for i in range(6)]
        noise = [ask(core, [i] * 11, 9) for i in range(order)]
        return [a.ids for a in (await asyncio.gather(*many, *noise))[:6]]

    first = run(go(1))
    assert first == run(go(4))
    assert len(set(first)) > 1
    assert first != run(go(1, seed=1))


def test_a_pinned_prefix_is_never_evicted():
    async def go():
        core = engine(num_blocks=20)
        await core.pin_prefix(list(range(16)))
        for i in range(30):
            await ask(core, [i + 30] * 20, 5)
        return await ask(core, [*range(16), 90], 1)

    assert run(go()).cached_tokens == 16


def test_the_end_token_is_not_part_of_the_completion():
    ids = next([i] for i in range(97) if END in _drawn([i], 60))
    answer = run(ask(engine(num_blocks=100), ids, 60))
    assert END not in answer.ids
    assert answer.finish_reason == "stop"
    assert answer.generated_tokens == len(answer.ids) + 1


def _drawn(ids, count):
    drawn = []
    for _ in range(count):
        drawn.append(_greedy_token([*ids, *drawn]))
    return drawn
