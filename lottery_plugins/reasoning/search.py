"""How a run searches the documents of its problems."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lottery_plugins.documents import ScoredDocument
from lottery_plugins.protocols.retriever import Index
from lottery_plugins.reasoning.stopwatch import Stopwatch
from lottery_plugins.trajectory import Problem

__all__ = ["Search"]

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Search:
    """One retriever over whatever a problem has to be searched.

    The contract of a retriever does not promise that threads can share it, so one thing at a time is done with it.

    Attributes:
        index_for: The index of a problem: of its own knowledge base, of the run's, or of its context cut into chunks.
            May be a coroutine function; called at most once per problem. Indexes may be shared among problems.
        top_k: How many documents a reasoner gets when it does not say, at least 1.
        name: The retriever's name, for the transcript.
        has_documents: Whether there is anything to search for this problem, without building an index.
    """

    index_for: Callable[[Problem], Index | Awaitable[Index]]
    top_k: int = 4
    name: str = "retriever"
    has_documents: Callable[[Problem], bool] = field(default=lambda problem: True)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    async def open_index(self, problem: Problem, watch: Stopwatch) -> Index:
        """Ask for a problem's index: a coroutine function on the loop, a plain one in a thread."""
        index_for: Callable[[Problem], Any] = self.index_for
        if inspect.iscoroutinefunction(index_for):
            index: Index = await index_for(problem)
        else:
            index = await asyncio.to_thread(self._alone, watch.watched(lambda: index_for(problem)))
        return index

    async def look(self, index: Index, query: str, top_k: int | None, watch: Stopwatch) -> list[ScoredDocument]:
        """Search in a thread; None takes the run's `top_k`."""
        count = max(1, self.top_k if top_k is None else top_k)
        return await asyncio.to_thread(self._alone, watch.watched(lambda: index.search(query, count)))

    def _alone(self, act: Callable[[], _T]) -> _T:
        with self._lock:
            return act()
