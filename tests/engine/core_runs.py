"""Engines on fake runners, and what they must give: the answer of a text alone, worked out without an engine."""

import asyncio
from types import MappingProxyType

from lottery_plugins.engine.packed import PackedEngine
from lottery_plugins.protocols.engine import SamplingParams
from lottery_plugins.testing.fake_runner import FakeRunner, next_token

VOCABULARY = 97
END = 5


class LetterCodec:
    """Token n is the n-th character from "!" on."""

    end_ids = frozenset({END})
    special_ids = MappingProxyType({})
    token_bytes = tuple(chr(33 + i).encode() for i in range(VOCABULARY))

    def encode(self, text):
        return [ord(c) - 33 for c in text]

    encode_more = encode

    def decode(self, ids):
        return "".join(chr(33 + i) for i in ids)

    def render(self, messages):
        return "".join(m.content for m in messages)


def engine(methods=None, **runner_options):
    runner = FakeRunner(vocabulary=VOCABULARY, methods=methods, **runner_options)
    return PackedEngine(runner, LetterCodec(), methods)


def alone(ids, max_tokens):
    """Greedy ids that follow a text, the end token left out."""
    cells = [(token, i) for i, token in enumerate(ids)]
    drawn = []
    while len(drawn) < max_tokens:
        token = next_token(cells, VOCABULARY)
        if token == END:
            break
        drawn.append(token)
        cells.append((token, len(cells)))
    return tuple(drawn)


def run(coroutine):
    return asyncio.run(coroutine)


def greedy(max_tokens, **fields):
    return SamplingParams(max_tokens=max_tokens, **fields)


def assert_all_is_free(core):
    """No job holds anything; every block is free or can be evicted."""
    cache = core._scheduler.cache
    assert not core._scheduler._running
    assert len(core._scheduler._waiting) == 0
    assert not cache._coming
    assert cache.pool.num_free + cache.tree.num_unused == cache.pool.num_blocks


async def ask(core, ids, max_tokens, delay=0, **fields):
    for _ in range(delay):
        await asyncio.sleep(0)
    session = core.open()
    try:
        return await core.generate(ids, session, greedy(max_tokens, **fields))
    finally:
        core.release(session)
