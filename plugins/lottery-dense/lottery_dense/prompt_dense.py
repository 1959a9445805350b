"""`prompt-dense`: the chunks of a long prompt that are nearest to the question by meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lottery_dense.dense import Dense
from lottery_plugins.documents import Document
from lottery_plugins.protocols.plugin import option
from lottery_plugins.retrievers.chunking import Chunking

__all__ = ["PromptDense"]


@dataclass(frozen=True)
class PromptDense(Dense):
    """Cut the problem's context into chunks as `prompt` does, and rank them by embeddings as the paper does.

    `retriever=prompt+prompt-dense` fuses the ranks by words and by meaning.

    Raises:
        ConfigError: If an option is out of range.
    """

    name: ClassVar[str] = "prompt-dense"
    summary: ClassVar[str] = "Keep the chunks of the problem's own long context whose embeddings suit the question."
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
        return Chunking(self._where, self.chunk_words, self.overlap_words)

    def chunks(self, context: str) -> Sequence[Document]:
        """The chunks in reading order; none when the context is blank."""
        return self._chunking.cut(context)
