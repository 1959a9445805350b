"""An engine without a model, and a tokenizer in a few lines: for tests of what stands on an engine."""

from __future__ import annotations

import asyncio
import hashlib
from array import array
from collections.abc import Sequence

from lottery_plugins.engine.stops import StopWatch
from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.errors import BackendError, DataError
from lottery_plugins.messages import Message, plain_text
from lottery_plugins.protocols.engine import Capabilities, SamplingParams, Session, TokenCompletion, TokenScore

__all__ = ["ByteCodec", "FakeEngine"]

END, BEGIN = "<end>", "<begin>"


class ByteCodec:
    """A codec (`engine.tokens.TokenCodec`) with a token for each byte, one for each longer piece, and two special ones.

    Text is cut into the longest pieces from the left, so text encoded again need not give the ids that it came from. A
    whole prompt begins with the token "<begin>".

    Args:
        pieces: Texts, or bytes that are no text by themselves.

    Attributes:
        encoded: All texts that were encoded, in order.
    """

    def __init__(self, pieces: Sequence[str | bytes] = ()) -> None:
        table = [bytes([byte]) for byte in range(256)]
        table += [piece.encode() if isinstance(piece, str) else piece for piece in pieces]
        self._ids = {piece: id_ for id_, piece in enumerate(table)}
        self._longest = max(map(len, table))
        self.special_ids = {END: len(table), BEGIN: len(table) + 1}
        self.token_bytes: Sequence[bytes] = [*table, b"", b""]
        self.end_ids = frozenset({self.special_ids[END]})
        self.encoded: list[str] = []

    def encode(self, text: str) -> list[int]:
        """The begin token and the text's."""
        begin = [] if text.startswith(BEGIN) else [self.special_ids[BEGIN]]
        return begin + self.encode_more(text)

    def encode_more(self, text: str) -> list[int]:
        """The longest pieces from the left; special tokens are read where their text stands."""
        if text:
            self.encoded.append(text)
        data, ids, at = text.encode("utf-8", "surrogatepass"), [], 0
        special = {name.encode(): id_ for name, id_ in self.special_ids.items()}
        while at < len(data):
            name = next((name for name in special if data.startswith(name, at)), None)
            size = len(name) if name else next(n for n in range(self._longest, 0, -1) if data[at : at + n] in self._ids)
            ids.append(special[name] if name else self._ids[data[at : at + size]])
            at += size
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text; bytes that are none become U+FFFD."""
        return b"".join(self.token_bytes[id_] for id_ in ids).decode("utf-8", "replace")

    def render(self, messages: Sequence[Message]) -> str:
        """The turns as plain text."""
        return plain_text(messages)


class FakeEngine:
    """An engine (`protocols.engine.TokenEngine`) whose next token is a hash of all ids before it.

    So any mistake in a history changes all that follows. Requests that run together finish in an order of their own.

    Args:
        codec: For stop strings and the end token.
        alphabet: What is generated, each token as likely as it stands here; "<end>" ends a completion.
        has_sessions: What `capabilities` says, and whether cached tokens are counted.
        max_length: The window.

    Attributes:
        prompts: The ids of all prompts, history included, in the order in which they were asked.
        live: Sessions that were opened or forked and not released.
        ranks: The rank of each session asked, in order.
    """

    def __init__(
        self,
        codec: TokenCodec,
        *,
        alphabet: str = f"abcde \n{END}",
        has_sessions: bool = True,
        max_length: int = 1 << 16,
    ) -> None:
        self._codec = codec
        self._alphabet = codec.encode_more(alphabet)
        self.capabilities = Capabilities(
            name="fake",
            sessions=has_sessions,
            kv_compression=False,
            scoring=True,
            batch_invariant=True,
            max_length=max_length,
        )
        self._max_length = max_length
        self.prompts: list[tuple[int, ...]] = []
        self.ranks: list[int] = []
        self.live: set[Session] = set()
        self._busy: set[Session] = set()

    def open(self, rank: int = 0) -> Session:
        """A new, empty session."""
        return self._new(Session(rank=rank))

    async def generate(self, new_ids: Sequence[int], session: Session, params: SamplingParams) -> TokenCompletion:
        """Append tokens, then generate."""
        if session not in self.live or session in self._busy:
            raise BackendError("fake", "was asked to go on with a session that is released or has a request under way")
        ids = [*session.ids, *new_ids]
        if not 0 < len(ids) < self._max_length:
            raise DataError("A prompt", f"has {len(ids)} tokens", f"The window has {self._max_length}.")
        self.prompts.append(tuple(ids))
        self.ranks.append(session.rank)
        self._busy.add(session)
        try:
            for _ in range(_draw(ids, params) % 4):
                await asyncio.sleep(0)
        finally:
            self._busy.discard(session)
        cached = len(session.ids) if self.capabilities.sessions else 0
        completion = self._complete(ids, params, cached)
        session.ids = [*ids, *completion.ids]
        return completion

    async def score(self, context_ids: Sequence[int], continuation_ids: Sequence[int]) -> TokenScore:
        """Logarithms of made-up probabilities; greedy is what `generate` would give."""
        ids = [*context_ids, *continuation_ids]
        if not context_ids or not continuation_ids or len(ids) > self._max_length + 1:
            raise DataError("A score", f"has {len(context_ids)} and {len(continuation_ids)} tokens")
        ends = range(len(context_ids), len(ids))
        return TokenScore(
            logprobs=tuple(-1e-3 * (_draw(ids[: end + 1]) % 5000) for end in ends),
            is_greedy=all(self._next(ids[:end]) == ids[end] for end in ends),
            forwarded_tokens=len(ids),
        )

    def fork(self, session: Session, num_tokens: int | None = None) -> Session:
        """A second session with the same beginning."""
        if num_tokens is not None and num_tokens > len(session.ids):
            raise BackendError("fake", f"was asked for {num_tokens} tokens of a session that has {len(session.ids)}")
        return self._new(Session(ids=session.ids[:num_tokens], rank=session.rank))

    def release(self, session: Session) -> None:
        """End a session.

        Raises:
            BackendError: A request is under way.
        """
        if session in self._busy:
            raise BackendError("fake", "was asked to release a session that has a request under way")
        self.live.discard(session)

    async def pin_prefix(self, ids: Sequence[int]) -> None:
        """Do nothing: nothing is computed."""

    def _new(self, session: Session) -> Session:
        self.live.add(session)
        return session

    def _next(self, ids: Sequence[int], params: SamplingParams | None = None) -> int:
        return self._alphabet[_draw(ids, params) % len(self._alphabet)]

    def _complete(self, prompt: Sequence[int], params: SamplingParams, cached: int) -> TokenCompletion:
        watch, ids, hit = StopWatch(params.stop, self._codec), [*prompt], None
        num_drawn, is_ended = 0, False
        most = min(params.max_tokens, self._max_length - len(prompt))
        while num_drawn < most and not hit and not is_ended:
            num_drawn += 1
            token = self._next(ids, params)
            is_ended = token in self._codec.end_ids and not params.ignore_end
            if not is_ended:
                ids.append(token)
                hit = watch.push(token)
        written = ids[len(prompt) :]
        hit = hit or watch.finish(written)
        return TokenCompletion(
            ids=tuple(written[: hit.num_ids]),
            text=hit.text,
            finish_reason="stop" if hit.stop or is_ended else "length",
            prompt_tokens=len(prompt),
            cached_tokens=cached,
            forwarded_tokens=len(prompt) - cached + num_drawn,
            generated_tokens=num_drawn,
        )


def _draw(ids: Sequence[int], params: SamplingParams | None = None) -> int:
    """A number that depends on all ids and, when sampling, on the seed and the sample."""
    salt = (params.seed, params.sample) if params is not None and params.do_sample else ()
    return int.from_bytes(hashlib.blake2b(array("q", [*ids, *salt]).tobytes(), digest_size=8).digest(), "big")
