"""`prompt-dense`: the chunks of a long prompt that are nearest to the question by meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lottery_dense.dense import Dense
from lottery_plugins.retrievers.chunking import SearchesPrompt

__all__ = ["PromptDense"]


@dataclass(frozen=True)
class PromptDense(SearchesPrompt, Dense):
    """Cut the problem's context into chunks as `prompt` does, and rank them by embeddings as the paper does.

    `retriever=prompt+prompt-dense` fuses the ranks by words and by meaning.

    Raises:
        ConfigError: If an option is out of range.
    """

    name: ClassVar[str] = "prompt-dense"
    summary: ClassVar[str] = "Keep the chunks of the problem's own long context whose embeddings suit the question."
