"""Which index a problem is searched with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

from lottery_plugins.documents import Document
from lottery_plugins.protocols.retriever import Index, Retriever
from lottery_plugins.retrievers.knowledge import Knowledge
from lottery_plugins.retrievers.shuffled import ShuffledIndex
from lottery_plugins.trajectory import Problem

__all__ = ["Indexes"]

_MOST_KEPT = 4096
"""Problems of one task often share their documents, and then their index."""


class Indexes:
    """The indexes of one run: of its own knowledge base, of those of its problems, or of their contexts cut up.

    Only the index of the run's knowledge base is kept on disk; the others are small and made in memory.

    Args:
        retriever: R.
        documents: The run's knowledge base; empty when the tasks bring theirs.
        knowledge: Opens the index of the run's knowledge base.
        shuffled: Whether every search gives documents of other questions (`ShuffledIndex`).
    """

    def __init__(
        self, retriever: Retriever, documents: Sequence[Document], knowledge: Knowledge, *, shuffled: bool = False
    ) -> None:
        self._retriever, self._documents, self._shuffled = retriever, documents, shuffled
        self._of_run = cache(lambda: self._placebo(knowledge.index(retriever, documents), documents))
        self._of_documents = lru_cache(maxsize=_MOST_KEPT)(lambda own: self._placebo(retriever.build(own), own))

    def prepare(self) -> None:
        """Make or open the index of the run's knowledge base now, so that no problem's time is spent on it.

        Raises:
            LotteryError: It can't be made.
        """
        if self._documents:
            self._of_run()

    def index_for(self, problem: Problem) -> Index:
        """The index to search for a problem; made when it is first asked for."""
        if self._retriever.searches == "outside":
            return self._of_documents(())
        if self._retriever.searches == "prompt":
            return self._of_documents(tuple(self._retriever.chunks(problem.context)))
        return self._of_run() if self._documents else self._of_documents(problem.knowledge_base)

    def has_documents(self, problem: Problem) -> bool:
        """Whether a problem has anything to search."""
        if self._retriever.searches == "outside":
            return True
        if self._retriever.searches == "prompt":
            return bool(problem.context)
        return bool(self._documents or problem.knowledge_base)

    def _placebo(self, index: Index, documents: Sequence[Document]) -> Index:
        return ShuffledIndex(index, documents) if self._shuffled else index
