"""`prompt`: cut the problem's own long context into chunks and keep those nearest to the question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.retrievers.bm25 import Bm25
from lottery_plugins.retrievers.chunking import SearchesPrompt

__all__ = ["Prompt"]


@dataclass(frozen=True)
class Prompt(SearchesPrompt, Bm25):
    """Cut the problem's context into chunks of whole sentences, ranked by BM25 as `bm25` does.

    Raises:
        ConfigError: If an option is out of range.

    Deviation: the paper ranks chunks by embeddings, as `prompt-dense` of lottery-dense does; words need no second
    model.
    """

    name: ClassVar[str] = "prompt"
    summary: ClassVar[str] = "Keep the chunks of the problem's own long context that are nearest to the question."
