"""Cutting a long text into chunks of whole sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.plugin import option

__all__ = ["Chunking", "SearchesPrompt"]

_WORD = re.compile(r"\S+")
_SENTENCE_END = re.compile(r"[.!?。！？][\"'”’)\]]*$")  # noqa: RUF001 - full-width signs end sentences too


@dataclass(frozen=True)
class Chunking:
    """How a context is cut.

    Chunks are slices of the context in reading order; together they hold every word of it. Their ids, "chunk-0000",
    "chunk-0001" and so on, sort in reading order, so that a reasoner can put the best ones back in place.

    Args:
        where: The retriever, for error messages.
        chunk_words: Longest chunk.
        overlap_words: Most words repeated from the chunk before, in [0, chunk_words).

    Raises:
        ConfigError: If a number is out of range.
    """

    where: str
    chunk_words: int
    overlap_words: int

    def __post_init__(self) -> None:
        if self.chunk_words < 1:
            raise ConfigError(f"{self.where}.chunk_words", self.chunk_words, "a whole number from 1")
        if not 0 <= self.overlap_words < self.chunk_words:
            allowed = f"a whole number in [0, chunk_words), which is {self.chunk_words}"
            raise ConfigError(f"{self.where}.overlap_words", self.overlap_words, allowed)

    def cut(self, context: str) -> tuple[Document, ...]:
        """The chunks in reading order; none when the context is blank."""
        words = list(_WORD.finditer(context))
        spans = list(self._spans(list(self._pieces(words, context))))
        width = max(4, len(str(len(spans))))
        return tuple(
            Document(f"chunk-{i:0{width}d}", context[words[first].start() : words[last - 1].end()])
            for i, (first, last) in enumerate(spans)
        )

    def _pieces(self, words: Sequence[re.Match[str]], context: str) -> Iterator[tuple[int, int]]:
        """Sentences as ranges of words; one that is longer than a chunk comes in several pieces.

        A sentence ends at a full stop, a question or exclamation mark, or a line break.
        """
        longest = self.overlap_words or self.chunk_words
        first = 0
        for i, word in enumerate(words, start=1):
            gap = context[word.end() : words[i].start()] if i < len(words) else "\n"
            if "\n" not in gap and not _SENTENCE_END.search(word[0]):
                continue
            if i - first <= self.chunk_words:
                yield first, i
            else:
                yield from ((start, min(start + longest, i)) for start in range(first, i, longest))
            first = i

    def _spans(self, pieces: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Chunks as ranges of words: as many pieces as fit, the first ones repeated from the chunk before."""
        begin = 0  # first piece of the open chunk
        for i, (_, last) in enumerate(pieces):
            if last - pieces[begin][0] <= self.chunk_words:
                continue
            yield pieces[begin][0], pieces[i - 1][1]
            begin = i
            while (
                begin > 0
                and pieces[i - 1][1] - pieces[begin - 1][0] <= self.overlap_words
                and last - pieces[begin - 1][0] <= self.chunk_words
            ):
                begin -= 1
        if pieces:
            yield pieces[begin][0], pieces[-1][1]


@dataclass(frozen=True)
class SearchesPrompt:
    """What makes a retriever of documents one of the problem's own long context: how that is cut into documents.

    Stands first among the bases: `class Prompt(SearchesPrompt, Bm25)`.

    Raises:
        ConfigError: If an option is out of range.
    """

    name: ClassVar[str]
    source: ClassVar[str] = "The Lottery LLM Hypothesis 2025, arXiv:2502.17535, retrieval from prompts"
    searches: ClassVar[str] = "prompt"

    top_k: int = option(4, "chunks given when the reasoner does not say how many", unit="chunks", allowed="1 up")
    chunk_words: int = option(100, "longest chunk", unit="words", allowed="1 up")
    overlap_words: int = option(
        20, "most words repeated from the chunk before", unit="words", allowed="[0, chunk_words)"
    )

    def __post_init__(self) -> None:
        if after := getattr(super(), "__post_init__", None):
            after()
        _ = self._chunking

    @property
    def _chunking(self) -> Chunking:
        return Chunking(f"retriever: {self.name}", self.chunk_words, self.overlap_words)

    def chunks(self, context: str) -> Sequence[Document]:
        """The chunks in reading order, ids that sort likewise; none when the context is blank."""
        return self._chunking.cut(context)
