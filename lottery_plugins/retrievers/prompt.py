"""`prompt`: cut the problem's own long context into chunks and keep those nearest to the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.documents import Document
from lottery_plugins.protocols.plugin import option
from lottery_plugins.retrievers.bm25 import Bm25
from lottery_plugins.retrievers.chunking import Chunking

__all__ = ["Prompt"]


@dataclass(frozen=True)
class Prompt(Bm25):
    """Cut the problem's context into chunks of whole sentences, ranked by BM25 as `bm25` does.

    Raises:
        ConfigError: If an option is out of range.

    Deviation: the paper ranks chunks by embeddings, as `prompt-dense` of lottery-dense does; words need no second
    model.
    """

    name: ClassVar[str] = "prompt"
    summary: ClassVar[str] = "Keep the chunks of the problem's own long context that are nearest to the question."
    source: ClassVar[str] = "The Lottery LLM Hypothesis 2025, arXiv:2502.17535, retrieval from prompts"
    searches: ClassVar[str] = "prompt"

    top_k: int = option(4, "chunks given when the reasoner does not say how many", unit="chunks", allowed="1 up")
    chunk_words: int = option(100, "longest chunk", unit="words", allowed="1 up")
    overlap_words: int = option(
        20, "most words repeated from the chunk before", unit="words", allowed="[0, chunk_words)"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self._chunking

    @property
    def _chunking(self) -> Chunking:
        return Chunking(f"retriever: {self.name}", self.chunk_words, self.overlap_words)

    def chunks(self, context: str) -> Sequence[Document]:
        """The chunks in reading order, ids that sort likewise; none when the context is blank."""
        return self._chunking.cut(context)
