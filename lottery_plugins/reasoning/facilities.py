"""What a run offers to all its problems."""

from __future__ import annotations

import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from lottery_plugins.engine.workers import ToolWorkers
from lottery_plugins.generation import Completion, GenerationRequest
from lottery_plugins.limits import Limits
from lottery_plugins.messages import Message
from lottery_plugins.protocols.memory import MemoryStore
from lottery_plugins.protocols.tool import Tool, ToolDescription
from lottery_plugins.protocols.verifier import Verifier
from lottery_plugins.reasoning.search import Search
from lottery_plugins.trajectory import Problem, Step, ToolCall

__all__ = ["Facilities"]


def _ignore_step(problem: Problem, step: Step) -> None:
    """The default observer."""


def _allow(problem: Problem, call: ToolCall) -> str | None:
    """The default guard."""
    return None


def _keep(trajectory: int) -> None:
    """The default release: there is nothing to free."""


@dataclass(frozen=True, kw_only=True)
class Facilities:
    """What a run offers, shared by all problems; `ProblemServices` makes of it what one reasoner may use.

    Attributes:
        generate: Answers one request; the scheduler behind it batches the requests of all problems.
        count_tokens: Tokens of a text, or None where the backend can't tell.
        proxy: Answers one request with the run's proxy model; None when the run has none.
        features: The last layer's hidden state at the last token of a prompt; None where the engine can't tell it.
        tools: By name, in the order of the run's configuration.
        open_tools: Fresh tools for one problem, which may keep state between its calls; None when the run has none.
        rank_tools: All given tools, those nearest to the query first; None: there is no such search, all are shown.
        max_tools: Most tools that a prompt shows.
        search: None when the run has no retriever.
        open_memory: A fresh memory for one problem; None when the run has none.
        verifier: None when the run has none.
        release: Told once of each problem that has ended, by its trajectory number: its history may go.
        numbers: Trajectory numbers, in the order in which the problems are started; from 1.
        limits: Budget of each problem.
        on_step: Told of each finished step, on the event loop's thread.
        authorize: The reason why a tool call is denied, or None. One that raises denies the call.
        workers: The processes that tools run in; None: in threads.
        executor: Those threads; None: asyncio's own.
        clock: Seconds, rising.
    """

    generate: Callable[[GenerationRequest], Awaitable[Completion]]
    count_tokens: Callable[[str], int | None] = field(default=lambda text: None)
    proxy: Callable[[GenerationRequest], Awaitable[Completion]] | None = None
    features: Callable[[Sequence[Message]], Awaitable[tuple[float, ...]]] | None = None
    tools: Mapping[str, Tool] = field(default_factory=dict)
    open_tools: Callable[[], Sequence[Tool]] | None = None
    rank_tools: Callable[[str, Sequence[ToolDescription]], Sequence[ToolDescription]] | None = None
    max_tools: int = 16
    search: Search | None = None
    open_memory: Callable[[], MemoryStore] | None = None
    verifier: Verifier | None = None
    release: Callable[[int], None] = _keep
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    limits: Limits = field(default_factory=Limits)
    on_step: Callable[[Problem, Step], None] = _ignore_step
    authorize: Callable[[Problem, ToolCall], str | None] = _allow
    workers: ToolWorkers | None = None
    executor: Executor | None = None
    clock: Callable[[], float] = time.perf_counter

    async def close(self) -> None:
        """End what runs beside the event loop, when all problems have ended."""
        if self.workers is not None:
            await self.workers.close()
