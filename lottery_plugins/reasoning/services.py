"""Everything a reasoner may do for one problem, budgeted and recorded.

Knows nothing of how completions are made: `Facilities.generate` batches them over all problems. Tools run in processes
and searches in threads, whose indexes are too large to be sent, so neither the model nor a tool waits for the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeAlias

from lottery_plugins.documents import ScoredDocument
from lottery_plugins.errors import ConfigError, LotteryError, PluginError
from lottery_plugins.generation import Completion, GenerationRequest
from lottery_plugins.limits import BudgetExceededError, StopReason
from lottery_plugins.messages import Message
from lottery_plugins.protocols.retriever import Index
from lottery_plugins.protocols.tool import ToolDescription
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.reasoning.branches import begin_branches, next_place, sub_problem_path
from lottery_plugins.reasoning.budget import Budget
from lottery_plugins.reasoning.facilities import Facilities
from lottery_plugins.reasoning.memory_desk import MemoryDesk
from lottery_plugins.reasoning.search import Search
from lottery_plugins.reasoning.steps import features_step, generate_step, retrieve_step, tool_step
from lottery_plugins.reasoning.stopwatch import Stopwatch
from lottery_plugins.reasoning.tool_runs import as_text, run_tool
from lottery_plugins.reasoning.toolbox import SEARCH, Toolbox
from lottery_plugins.reasoning.wishes import with_wishes
from lottery_plugins.trajectory import PROXY, Problem, Step, ToolCall, ToolResult

__all__ = ["ProblemServices"]

SAMPLE_STRIDE = 1 << 20
"""A reasoner's sample s of lm-eval's repeat r has number s * SAMPLE_STRIDE + r: no two collide, and without samples of
the reasoner's own the number is the repeat's, as it is for the plain model."""

_Slot: TypeAlias = tuple[tuple[int, ...], int]
"""Where a step is kept: its place, and a number that no two steps share."""

MOST_PASSAGES = 50
"""Most passages that a model's own `top_k` may ask for."""


class ProblemServices:
    """The services of one problem (`protocols.reasoner.Services`).

    Steps are kept in the order in which the acts were started, so for acts that are gathered it does not depend on
    which finished first; those of acts that are done `together` are kept branch by branch.
    """

    def __init__(self, problem: Problem, facilities: Facilities) -> None:
        self._problem = problem
        self._run = facilities
        self._number = next(facilities.numbers)
        self._budget = Budget(facilities.limits, facilities.clock)
        self._memory = MemoryDesk(facilities.open_memory()) if facilities.open_memory else None
        built_in = ((SEARCH,) if self.has_retriever else ()) + (self._memory.tools if self._memory else ())
        self._toolbox = Toolbox(problem, facilities, built_in)
        self._index: asyncio.Task[Index] | None = None
        self._steps: dict[_Slot, Step | None] = {}
        self._acting: set[asyncio.Task[Any]] = set()
        self._closed = False
        begin_branches()

    @property
    def tools(self) -> Sequence[ToolDescription]:
        """Tools that may be called for this problem; see the protocol."""
        return self._toolbox.descriptions

    @property
    def has_retriever(self) -> bool:
        """Whether there is a retriever and something for it to search."""
        return self._run.search is not None and self._run.search.has_documents(self._problem)

    @property
    def has_memory(self) -> bool:
        """Whether what is remembered is kept."""
        return self._memory is not None

    @property
    def has_verifier(self) -> bool:
        """Whether the run has a verifier."""
        return self._run.verifier is not None

    @property
    def has_proxy(self) -> bool:
        """Whether the run has a proxy model."""
        return self._run.proxy is not None

    @property
    def steps(self) -> tuple[Step, ...]:
        """The finished steps, in the order of their start, branch by branch."""
        return tuple(step for _, step in sorted(self._steps.items(), key=lambda kept: kept[0]) if step is not None)

    @property
    def elapsed_s(self) -> float:
        """Seconds since these services were made."""
        return self._budget.elapsed_s

    async def generate(
        self,
        messages: Sequence[Message],
        *,
        purpose: str,
        max_tokens: int | None = None,
        stop: Sequence[str] | None = None,
        temperature: float | None = None,
        sample: int = 0,
        proxy: bool = False,
    ) -> Completion:
        """One completion; see the protocol. Where the backend can't count tokens, all that were allowed are charged."""
        config = with_wishes(self._problem.config, max_tokens, stop, temperature)
        model = self._run.proxy if proxy else self._run.generate
        if model is None:
            raise ConfigError("proxy_model", None, "a small model beside the one under test", "Add proxy_model=NAME.")
        async with self._acting_within_time():
            granted = self._budget.take_completion(config.max_tokens)
            slot, charged = self._new_slot(), 0
            request = GenerationRequest(
                tuple(messages),
                config.with_changes(max_tokens=granted),
                sample=self._problem.sample + sample * SAMPLE_STRIDE,
                trajectory=self._number,
            )
            try:
                completion = await model(request)
                charged = self._charge(completion, granted)
            finally:
                self._budget.give_back_tokens(granted - charged)
            self._record(slot, generate_step(completion, purpose, PROXY if proxy else ""))
        return completion

    async def call_tool(self, tool: str, arguments: Mapping[str, Any], *, purpose: str = "call") -> ToolResult:
        """Run a tool; see the protocol.

        Raises:
            PluginError: The tool broke its contract: it raised something other than ToolError, or returned no result.
        """
        call = ToolCall(tool, dict(arguments))
        async with self._acting_within_time():
            self._budget.take_tool_call()
            refusal, is_configured = self._toolbox.refusal(call), self._toolbox.tool(tool) is not None
            if refusal is None and tool == SEARCH.name and not is_configured:
                return await self._search(call, purpose)  # recorded as what it is, a search
            slot, watch = self._new_slot(), Stopwatch(self._run.clock)
            result = refusal or await self._answered(call, watch)
            step = tool_step(call, result, purpose, watch.seconds)
            self._record(slot, step if refusal or is_configured else replace(step, kind="memory"))
        return result

    async def find_tools(self, query: str, *, top_k: int | None = None) -> Sequence[ToolDescription]:
        """The tools to show in a prompt; see the protocol."""
        return await self._toolbox.find(query, top_k)

    async def features(self, messages: Sequence[Message]) -> tuple[float, ...]:
        """A hidden state; see the protocol."""
        if self._run.features is None:
            raise ConfigError(
                "engine", "no hidden states", "an engine that tells them", "Use engine=packed with base=hf."
            )
        async with self._acting_within_time():
            slot = self._new_slot()
            found = await self._run.features(messages)
            self._record(slot, features_step(messages[-1].content if messages else "", found))
        return found.values

    async def retrieve(self, query: str, *, top_k: int | None = None, purpose: str = "search") -> list[ScoredDocument]:
        """Search the problem's documents; see the protocol. Empty when there is nothing to search."""
        search = self._run.search
        if search is None or not self.has_retriever:
            return []
        async with self._acting_within_time():
            slot, watch = self._new_slot(), Stopwatch(self._run.clock)
            try:
                found = await search.look(await self._open_index(search, watch), query, top_k, watch)
            except LotteryError:
                raise
            except Exception as error:
                raise PluginError(f"retriever {search.name!r}", "searching", error) from error
            counts = [self._run.count_tokens(hit.document.as_text()) for hit in found]
            self._record(slot, retrieve_step(query, found, counts, purpose, search.name, watch.seconds))
        return found

    def remember(self, key: str, value: str) -> None:
        """Write to the problem's memory; without one nothing happens."""
        if self._memory is not None:
            self._memory.write(key, value)
            self._record(self._new_slot(), Step(kind="memory", purpose="write", prompt=key, output=value))

    def recall(self, key: str | None = None) -> str:
        """The value of a key, or the whole memory; "" when there is nothing; see the protocol."""
        if self._memory is None:
            return ""
        text = self._memory.read(key)
        self._record(self._new_slot(), Step(kind="memory", purpose="read", prompt=key or "", output=text))
        return text

    async def verify(self, answer: str, *, problem: Problem | None = None) -> Judgement:
        """Ask the run's verifier; what it generates is on this problem's budget."""
        if self._run.verifier is None:
            raise ConfigError("verifier", None, "the name of a verifier", "See: lottery plugins list --kind verifier")
        start, slot = self._run.clock(), self._new_slot()
        judgement = await self._run.verifier.verify(problem or self._problem, answer, self)
        verdict = "accepted" if judgement.accepted else "rejected"
        step = Step(
            kind="verify",
            purpose="verify",
            prompt=answer,
            output=f"score {judgement.score:.3f}, {verdict}: {judgement.reason}",
            tool=self._run.verifier.name,
            seconds=self._run.clock() - start,
        )
        self._record(slot, step)
        return judgement

    async def close(self) -> None:
        """End the problem: acts still under way, of branches that the reasoner gave up, are cancelled; no new ones."""
        is_first, self._closed = not self._closed, True
        abandoned = [task for task in (*self._acting, self._index) if task is not None and not task.done()]
        for task in abandoned:
            task.cancel()
        try:
            await asyncio.gather(*abandoned, return_exceptions=True)
        finally:
            if is_first:
                self._run.release(self._number)

    async def _search(self, call: ToolCall, purpose: str) -> ToolResult:
        """A call of `search`: the passages as one text."""
        wanted = call.arguments.get("top_k")
        top_k = min(wanted, MOST_PASSAGES) if isinstance(wanted, int) and wanted > 0 else None
        found = await self.retrieve(as_text(call.arguments, "query"), top_k=top_k, purpose=purpose)
        return ToolResult("\n".join(hit.document.as_text() for hit in found) or "Nothing was found.")

    async def _answered(self, call: ToolCall, watch: Stopwatch) -> ToolResult:
        """What an allowed tool, or the memory, answers."""
        tool = self._toolbox.tool(call.tool)
        if tool is not None:
            is_bound = self._toolbox.keeps_state(call.tool)
            return await run_tool(tool, call, self._run, watch, keeps_state=is_bound)
        assert self._memory is not None, "only search and the memory's tools are not configured"
        return self._memory.answer(call)

    def _charge(self, completion: Completion, granted: int) -> int:
        """Tokens to charge for a completion."""
        used = completion.completion_tokens
        if used is None:
            used = self._run.count_tokens(completion.text)
        return granted if used is None else used

    async def _open_index(self, search: Search, watch: Stopwatch) -> Index:
        """The problem's index, built once even when several searches ask for it at the same time."""
        if self._index is None:
            self._index = asyncio.ensure_future(search.open_index(self._problem, watch))
        return await asyncio.shield(self._index)

    @asynccontextmanager
    async def _acting_within_time(self) -> AsyncIterator[None]:
        """Around every act that waits: refused once the problem is over, ended when its time is."""
        if self._closed:
            raise BudgetExceededError(StopReason.NO_ANSWER)
        left = self._budget.seconds_left()
        task = asyncio.current_task()
        owner = task is not None and task not in self._acting
        if task is not None:
            self._acting.add(task)
        try:
            async with asyncio.timeout(left) as deadline:
                yield
        except TimeoutError:
            if not deadline.expired():
                raise
            raise BudgetExceededError(StopReason.MAX_SECONDS) from None
        finally:
            if owner and task is not None:
                self._acting.discard(task)

    def _new_slot(self) -> _Slot:
        """A place in the record for an act that starts now."""
        slot = (next_place(), len(self._steps))
        self._steps[slot] = None
        return slot

    def _record(self, slot: _Slot, step: Step) -> None:
        """Put a finished act in its place and tell the observers; a closed record takes no more."""
        if not self._closed:
            step = replace(step, path=sub_problem_path())
            self._steps[slot] = step
            self._run.on_step(self._problem, step)
