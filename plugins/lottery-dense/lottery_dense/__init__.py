"""Search by meaning: retrievers `dense`, `hybrid` and `prompt-dense`, and the memory `vector`."""

from __future__ import annotations

from lottery_dense.dense import Dense
from lottery_dense.hybrid import Hybrid
from lottery_dense.prompt_dense import PromptDense
from lottery_dense.vector import Vector
from lottery_plugins import hookimpl

__all__ = ["Dense", "Hybrid", "PromptDense", "Vector", "lottery_memory_backends", "lottery_retrievers"]


@hookimpl
def lottery_retrievers() -> list[type]:
    """Ranking by embeddings, alone, with BM25, and of the prompt's own chunks."""
    return [Dense, Hybrid, PromptDense]


@hookimpl
def lottery_memory_backends() -> list[type]:
    """A memory that is searched by meaning."""
    return [Vector]
