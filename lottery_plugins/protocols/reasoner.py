"""Reasoners (A in the paper): algorithms from a problem to an answer, and the services they may use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from lottery_plugins.documents import ScoredDocument
from lottery_plugins.generation import Completion
from lottery_plugins.messages import Message
from lottery_plugins.trajectory import Answer, Problem, Step, ToolResult

if TYPE_CHECKING:
    from lottery_plugins.protocols.tool import ToolDescription
    from lottery_plugins.protocols.verifier import Judgement

__all__ = ["Reasoner", "Services"]


@runtime_checkable
class Services(Protocol):
    """Everything a reasoner may do. Each act is budgeted and recorded; a spent budget ends the problem by itself.

    Independent acts may run at once: `asyncio.gather(services.generate(...), services.generate(...))`.
    """

    @property
    def tools(self) -> Sequence[ToolDescription]:
        """Tools that may be called for this problem: those of the run that the task allows, in the order of the run's
        configuration, then, where none of them has the name, `search` with a retriever, `remember` and `recall` with a
        memory, and the memory's own commands.
        """
        ...

    @property
    def steps(self) -> Sequence[Step]:
        """The finished steps so far, in the order of their start, branch by branch."""
        ...

    @property
    def has_retriever(self) -> bool:
        """Whether `retrieve` has something to search."""
        ...

    @property
    def has_memory(self) -> bool:
        """Whether what is remembered is kept; without a memory, `remember` does nothing."""
        ...

    @property
    def has_verifier(self) -> bool:
        """Whether `verify` has a verifier to ask."""
        ...

    @property
    def has_proxy(self) -> bool:
        """Whether the run has a proxy model."""
        ...

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
        """One completion of the model under test.

        Args:
            messages: The turns; a trailing assistant message is a prefix that the model continues.
            purpose: The reasoner's word for this call, for the transcript.
            max_tokens: At most this many tokens; None: as the task says.
            stop: Stop strings; None: as the task says.
            temperature: Above 0 samples; None: as the task says.
            sample: Tells several samples of one prompt apart.
            proxy: Ask the run's proxy model instead; its step is recorded as one of the tool "proxy".

        Raises:
            ConfigError: The run has no proxy model.
        """
        ...

    async def call_tool(self, tool: str, arguments: Mapping[str, Any], *, purpose: str = "call") -> ToolResult:
        """Run a tool. Never raises for what a model can write: unknown tools and bad arguments are results with an
        error category and a text for the model.
        """
        ...

    async def find_tools(self, query: str, *, top_k: int | None = None) -> Sequence[ToolDescription]:
        """The tools to show in a prompt: all when they fit the run's `max_tools`, else those nearest to the query.

        Args:
            query: What the tools are wanted for.
            top_k: At most so many; None: `max_tools` of the run.
        """
        ...

    async def features(self, messages: Sequence[Message]) -> tuple[float, ...]:
        """The hidden state of the model's last layer at the last token of the rendered messages.

        Raises:
            ConfigError: The run's engine can't tell it.
        """
        ...

    async def retrieve(self, query: str, *, top_k: int | None = None, purpose: str = "search") -> list[ScoredDocument]:
        """Search the problem's knowledge base or context; best first; empty when nothing fits."""
        ...

    def remember(self, key: str, value: str) -> None:
        """Write to the problem's memory."""
        ...

    def recall(self, key: str | None = None) -> str:
        """The value of a key, or the whole memory as the model sees it; "" when there is nothing.

        A memory that can search gives its nearest entries, a line "key: value" each, for a key that it does not have.
        """
        ...

    async def verify(self, answer: str, *, problem: Problem | None = None) -> Judgement:
        """Ask the run's verifier.

        Args:
            answer: The text to be judged.
            problem: The sub-problem that it answers; None: the whole problem.

        Raises:
            ConfigError: The run has no verifier.
        """
        ...


@runtime_checkable
class Reasoner(Protocol):
    """Solves problems. Options are dataclass fields; see `protocols.plugin`.

    One that goes on until `Problem.budget_tokens` are spent says so with an attribute `spends_budget = True`; any other
    is refused in a run with `budget_of`.

    Attributes:
        needs: What the run must offer, out of "tools", "retriever", "memory", "verifier"; checked before the model is
            loaded.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Work on one problem and return the text to be scored.

        Must end for any model output whatever. The answer is handed to the task's own filters and scorer, so it is
        in the form that the task's prompt asks for.
        """
        ...
