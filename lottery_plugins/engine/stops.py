"""Where a completion ends: the first stop string in its text, found while its tokens arrive.

Each token costs one look at a few bytes. Only where those bytes hold a stop string is the text decoded, and the text
alone decides; so a table of token bytes that differs from the tokenizer costs time, never a wrong cut.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from lottery_plugins.engine.tokens import TokenCodec

__all__ = ["StopHit", "StopWatch", "first_stop", "num_ids_within"]


class StopHit(NamedTuple):
    """A completion up to its end.

    Attributes:
        num_ids: Tokens that lie wholly before the stop string.
        text: The text before it.
        stop: The stop string; "" where there is none.
    """

    num_ids: int
    text: str
    stop: str = ""


class StopWatch:
    """Watches one completion.

    A stop string that is the text of a special token ("<|im_end|>") ends the completion at that token, which the
    decoded text does not show.

    Args:
        stop: Strings, none of them empty. The one that begins first ends the completion; of several that begin at the
            same place, the first listed.
        codec: Of the model that generates.

    Cost: one search in a few bytes a token; a decoding of the completion where a stop string may be.
    """

    __slots__ = ("_codec", "_ends", "_ids", "_keep", "_search", "_stop", "_table", "_tail")

    def __init__(self, stop: Sequence[str], codec: TokenCodec) -> None:
        self._codec = codec
        self._ends = {codec.special_ids[text]: text for text in stop if text in codec.special_ids}
        self._stop = tuple(stop)
        stop_bytes = [text.encode("utf-8", "surrogatepass") for text in stop]
        self._keep = max(map(len, stop_bytes), default=1) - 1
        self._search = re.compile(b"|".join(map(re.escape, stop_bytes))).search
        self._table = codec.token_bytes if stop else ()
        self._tail = b""
        self._ids: list[int] = []

    def push(self, token_id: int) -> StopHit | None:
        """Take the next token; the completion's end if it completes a stop string."""
        if not self._stop:
            return None
        self._ids.append(token_id)
        if token_id in self._ends:
            return self.finish(self._ids)
        tail = self._tail + self._table[token_id]
        self._tail = tail[len(tail) - self._keep :] if len(tail) > self._keep else tail
        if self._search(tail) is None:
            return None
        hit = self.finish(self._ids)
        return hit if hit.stop else None

    def finish(self, ids: Sequence[int]) -> StopHit:
        """The completion made of these tokens, cut at the first stop string if there is one.

        Called once at the end of a completion without a hit: a stop string that the bytes did not show is found here.
        """
        ended = ""
        if self._ends:
            for i, token in enumerate(ids):
                if token in self._ends:
                    ids, ended = ids[:i], self._ends[token]
                    break
        text = self._codec.decode(ids)
        stop = first_stop(text, self._stop)
        if not stop:
            return StopHit(len(ids), text, ended)
        text = text[: text.index(stop)]
        return StopHit(num_ids_within(text, ids, self._codec), text, stop)


def first_stop(text: str, stop: Sequence[str]) -> str:
    """The stop string that begins first in a text, the first listed of several; "" if there is none."""
    best, found = len(text), ""
    for string in stop:
        at = text.find(string, 0, best + len(string) - 1)  # only one that begins before the best
        if at >= 0:
            best, found = at, string
    return found


def num_ids_within(text: str, ids: Sequence[int], codec: TokenCodec) -> int:
    """Most tokens whose text is a beginning of `text`, itself a beginning of the text of all `ids`.

    Cost: a few decodings where `text` ends near the end of the ids, about 2 log2(len(ids)) otherwise.
    """

    def num_certain(num_ids: int) -> int:
        """Characters that later tokens can't change: half a character is U+FFFD until the rest of it has come."""
        return len(codec.decode(ids[:num_ids]).rstrip("\ufffd"))

    low, high, stride = len(ids), len(ids), 1
    while low and num_certain(low) > len(text):
        low, high, stride = max(0, low - stride), low - 1, stride * 2
    fits = low + bisect_right(range(low + 1, high + 1), len(text), key=num_certain)
    while fits and not text.startswith(codec.decode(ids[:fits])):
        fits -= 1
    return fits
