"""The fake engine keeps an engine's contract, so that what passes on it is worth something."""

import asyncio

import pytest

from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.errors import BackendError, DataError
from lottery_plugins.protocols.engine import SamplingParams, TokenEngine
from lottery_plugins.testing.engine_fakes import ByteCodec, FakeEngine

CODEC = ByteCodec(("ab",))
PARAMS = SamplingParams(max_tokens=8, stop=("\n",))


def generate(engine, ids, session=None, params=PARAMS):
    return asyncio.run(engine.generate(ids, session or engine.open(), params))


def test_it_is_an_engine_and_its_codec_a_codec():
    assert isinstance(FakeEngine(CODEC), TokenEngine)
    assert isinstance(CODEC, TokenCodec)


def test_what_follows_depends_on_every_token_of_the_history_and_not_on_how_it_came():
    engine, ids = FakeEngine(CODEC, alphabet="abcde"), [*range(40)]
    at_once = generate(engine, ids)
    session = engine.open()
    session.ids = ids[:30]
    assert generate(engine, ids[30:], session).ids == at_once.ids
    assert session.ids == [*ids, *at_once.ids]
    changed = {generate(engine, [*ids[:i], 99, *ids[i + 1 :]]).ids for i in range(40)}
    assert at_once.ids not in changed


def test_samples_differ_only_when_sampling():
    engine = FakeEngine(CODEC, alphabet="abcde")

    def answers(**settings):
        params = [SamplingParams(max_tokens=8, sample=i, **settings) for i in range(6)]
        return {generate(engine, [1], params=p).ids for p in params}

    assert len(answers()) == 1
    assert len(answers(do_sample=True)) == 6


def test_a_fork_goes_on_by_itself():
    engine = FakeEngine(CODEC, alphabet="abcde")
    session = engine.open(rank=4)
    done = generate(engine, [1, 2, 3], session)
    fork = engine.fork(session, 2)
    assert (fork.ids, fork.rank) == ([1, 2], 4)
    assert generate(engine, [3], fork).ids == done.ids
    assert engine.fork(session).ids == session.ids == [1, 2, 3, *done.ids]


def test_misuse_is_an_error():
    engine = FakeEngine(CODEC, max_length=20)
    session = engine.open()
    with pytest.raises(DataError, match="A prompt has 0 tokens"):
        generate(engine, [], session)
    with pytest.raises(DataError, match="The window has 20"):
        generate(engine, [1] * 20, session)
    with pytest.raises(BackendError, match="3 tokens of a session that has 0"):
        engine.fork(session, 3)
    engine.release(session)
    engine.release(session)
    with pytest.raises(BackendError, match="released"):
        generate(engine, [1], session)


def test_a_session_takes_one_request_at_a_time():
    async def twice():
        engine = FakeEngine(CODEC)
        session = engine.open()
        calls = [engine.generate([i], session, PARAMS) for i in range(10, 14)]
        return await asyncio.gather(*calls, return_exceptions=True)

    assert any(isinstance(answer, BackendError) for answer in asyncio.run(twice()))


def test_scores_are_those_of_the_tokens_before():
    async def scores():
        engine = FakeEngine(CODEC)
        return await engine.score([1], [2, 3]), await engine.score([1, 2], [3])

    both, last = asyncio.run(scores())
    assert both.logprobs[1:] == last.logprobs
    assert both.logprob == sum(both.logprobs) < 0
