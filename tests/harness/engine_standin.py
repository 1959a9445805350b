"""An engine that answers by rule, for what does not depend on a model: order, limits, errors, what is kept."""

import asyncio
from types import MappingProxyType

from lottery_plugins.engine.statistics import EngineStatistics
from lottery_plugins.harness.run_engine import RunEngine
from lottery_plugins.protocols.engine import Capabilities, Session, TokenCompletion, TokenScore


class ByteCodec:
    """A byte is a token."""

    end_ids = frozenset({0})
    token_bytes = tuple(bytes([i]) for i in range(256))
    special_ids = MappingProxyType({})

    def encode(self, text):
        return list(text.encode())

    encode_more = encode

    def decode(self, ids):
        return bytes(ids).decode(errors="replace")

    def render(self, messages):
        return "\n".join(m.content for m in messages)


class StandInEngine:
    """Answers with the last four tokens of the prompt in capitals; the likelihood of a text is minus its length.

    Args:
        max_length: Of the model's window.
        fails_at: Which request raises `error`, counted from 1.
        scoring: As in its capabilities.
    """

    def __init__(self, max_length=64, fails_at=None, error=None, scoring=True):
        self.capabilities = Capabilities(
            name="stand-in", sessions=True, kv_compression=False, scoring=scoring, batch_invariant=True,
            max_length=max_length,
        )  # fmt: skip
        self.statistics = EngineStatistics()
        self.fails_at, self.error = fails_at, error
        self.prompts, self.params, self.open_sessions, self.most_open = [], [], 0, 0

    def open(self, rank=0):
        self.open_sessions += 1
        self.most_open = max(self.most_open, self.open_sessions)
        return Session(rank=rank)

    def release(self, session):
        self.open_sessions -= 1

    def fork(self, session, num_tokens=None):
        return Session(ids=session.ids[:num_tokens], rank=session.rank)

    async def pin_prefix(self, ids):
        pass

    async def generate(self, new_ids, session, params):
        ids = [*session.ids, *new_ids]
        await self._count(ids, params)
        text = bytes(ids[-4:]).decode(errors="replace").upper()[: params.max_tokens]
        session.ids = [*ids, *text.encode()]
        return TokenCompletion(
            ids=tuple(text.encode()), text=text, finish_reason="stop", prompt_tokens=len(ids), cached_tokens=1,
            forwarded_tokens=len(ids) + 3, generated_tokens=4, seconds=0.5,
        )  # fmt: skip

    async def score(self, context_ids, continuation_ids):
        await self._count([*context_ids, *continuation_ids], None)
        return TokenScore(logprobs=(-1.0,) * len(continuation_ids), is_greedy=len(continuation_ids) == 1)

    async def _count(self, ids, params):
        self.prompts.append(list(ids))
        self.params.append(params)
        number = len(self.prompts)
        await asyncio.sleep(0.001 * (number % 3))  # answers come out of order
        if number == self.fails_at:
            raise self.error
        self.statistics.requests += 1
        self.statistics.prompt_tokens += len(ids)
        self.statistics.cached_tokens += 1


def use(lm, engine, codec=None):
    """Let a LotteryLM answer with a stand-in."""
    codec = codec or ByteCodec()
    lm.engine = RunEngine(name="stand-in", base=lm.base, max_live=8, tokens=engine, codec_of=lambda is_chat: codec)
    return lm
