"""A small engine that keeps the contract: its model is a hash of all ids before a token. Faults are subclasses."""

import asyncio
import hashlib
import math
import time
from array import array

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.protocols.engine import Capabilities, Session, TokenCompletion, TokenScore

END = 256
CANDIDATES = (*b"ab the\n.s", END)


class ByteCodec:
    """A token is a byte; 256 ends the text."""

    end_ids = frozenset({END})
    special_ids = {"<end>": END}  # noqa: RUF012 - a test's constant
    token_bytes = [bytes([i]) for i in range(256)] + [b""]

    def encode(self, text):
        return list(text.encode())

    encode_more = encode

    def decode(self, ids):
        return b"".join(self.token_bytes[i] for i in ids).decode(errors="replace")


def number(*parts):
    """A number in (0, 1) made of what it is given."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**64


def logits(ids):
    """Of each candidate, after these ids."""
    digest = hashlib.blake2b(array("H", ids).tobytes(), digest_size=2 * len(CANDIDATES)).digest()
    return {i: 4 * int.from_bytes(digest[2 * n : 2 * n + 2], "big") / 65536 for n, i in enumerate(CANDIDATES)}


def logprobs(ids):
    """Of all 257 tokens, after these ids."""
    found = logits(ids)
    total = math.log(sum(math.exp(v) for v in found.values()) + (257 - len(found)) * math.exp(-9))
    return [found.get(i, -9.0) - total for i in range(257)]


class HashEngine:
    """All live requests get one token in each pass of a loop."""

    capabilities = Capabilities(
        name="hash", sessions=True, kv_compression=False, scoring=True, batch_invariant=True, max_length=500
    )

    def __init__(self, codec=None):
        self.codec = codec or ByteCodec()
        self.live = 0  # requests under way, for faults that depend on them
        self.asked = 0

    def open(self, rank=0):
        return Session(rank=rank, state=set())

    def fork(self, session, num_tokens=None):
        kept = len(session.ids) if num_tokens is None else num_tokens
        if kept > len(session.ids):
            raise DataError("a fork", "begins beyond its session")
        return Session(ids=session.ids[:kept], rank=session.rank, state={"kept"})

    def release(self, session):
        session.state = None

    async def pin_prefix(self, ids):
        await asyncio.sleep(0)

    def draw(self, ids, params, prompt, index):
        found = logits(ids)
        if params.ignore_end:
            del found[END]
        if params.do_sample:
            best = sorted(found, key=found.get, reverse=True)[: params.top_k]
            key = (params.seed, params.sample, tuple(prompt), index)
            found = {i: found[i] / params.temperature - math.log(-math.log(number(key, i))) for i in best}
        return max(found, key=found.get)

    def finish(self, ids, params):
        """Whether it ends, the ids that are kept, and the text."""
        if ids and ids[-1] == END:
            return True, ids[:-1], self.codec.decode(ids[:-1])
        text = self.codec.decode(ids)
        places = [text.index(stop) for stop in params.stop if stop in text]
        if places:
            return True, ids[: min(places)], text[: min(places)]  # a byte is a token and a character here
        return False, ids, text

    def refuse(self, prompt, tokens):
        if not prompt:
            raise DataError("a prompt", "has no token")
        if len(prompt) + tokens > self.capabilities.max_length:
            raise DataError("a prompt", "does not fit")

    async def generate(self, new_ids, session, params):
        started, prompt = time.perf_counter(), [*session.ids, *new_ids]
        self.refuse(prompt, 1)
        most = min(params.max_tokens, (self.capabilities.max_length or 10**9) - len(prompt))
        cached = min(len(session.ids), len(prompt) - 1) if session.state is not None else 0
        self.live += 1
        self.asked += 1
        try:
            drawn, ended, kept, text = [], False, [], ""
            while len(drawn) < most and not ended:
                await asyncio.sleep(0)
                drawn.append(self.draw(prompt + drawn, params, prompt, len(drawn)))
                ended, kept, text = self.finish(drawn, params)
        finally:
            self.live -= 1
        session.ids[:] = prompt + kept
        session.state = {"kept"}
        return TokenCompletion(
            ids=tuple(kept),
            text=text,
            finish_reason="stop" if ended else "length",
            prompt_tokens=len(prompt),
            cached_tokens=cached,
            forwarded_tokens=len(prompt) - cached + len(drawn) - 1,
            generated_tokens=len(drawn),
            seconds=time.perf_counter() - started,
        )

    async def score(self, context_ids, continuation_ids):
        if not self.capabilities.scoring:
            raise ConfigError("engine", self.capabilities.name, "an engine that scores")
        if not context_ids or not continuation_ids:
            raise DataError("a score", "has an empty part")
        self.refuse(context_ids, len(continuation_ids))
        await asyncio.sleep(0)
        numbers, is_greedy, ids = [], True, list(context_ids)
        for token in continuation_ids:
            found = logprobs(ids)
            numbers.append(found[token])
            is_greedy = is_greedy and found[token] == max(found)
            ids.append(token)
        return TokenScore(logprobs=tuple(numbers), is_greedy=is_greedy, forwarded_tokens=len(ids) - 1)
