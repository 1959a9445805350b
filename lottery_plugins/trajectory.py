"""A problem, the steps taken on it, and the answer: what a reasoner sees and what is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from lottery_plugins.documents import Document
from lottery_plugins.generation import GenerationConfig
from lottery_plugins.limits import StopReason
from lottery_plugins.messages import Message

__all__ = ["PROXY", "Answer", "Problem", "Step", "StepKind", "ToolCall", "ToolResult", "Trajectory"]

PROXY = "proxy"
"""`Step.tool` of a completion that the run's proxy model made."""

StepKind = Literal["generate", "score", "retrieve", "tool", "memory", "verify"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One document of a task as a reasoner may see it: never its gold fields.

    Attributes:
        task: lm-eval's task name.
        doc_id: Row of the task's data.
        sample: Index among lm-eval's `repeats` of this document.
        messages: The task's prompt, few-shot examples included; the last user turn asks the question.
        question: The bare question, for search queries and sub-prompts.
        context: The long text that the question is about; "" where there is none. It is also inside the prompt.
        popularity: How well known the question's subject is, in the unit of the task's data: page views a month in
            PopQA. None where the task does not say.
        knowledge_base: Documents that belong to this problem; empty where the run names a knowledge base instead.
        tools: Names of the tools that the task allows; None allows all that the run offers.
        config: The task's generation settings (`gen_kwargs` at the lm-eval border).
        is_chat: Whether the run renders a chat template; a base model gets plain text.
        budget_tokens: What the run named by `budget_of` generated for this document; None without one.
    """

    task: str
    doc_id: int
    sample: int = 0
    messages: tuple[Message, ...]
    question: str
    context: str = ""
    popularity: float | None = None
    knowledge_base: tuple[Document, ...] = ()
    tools: tuple[str, ...] | None = None
    config: GenerationConfig = field(default_factory=GenerationConfig)
    is_chat: bool = False
    budget_tokens: int | None = None

    @property
    def prompt(self) -> str:
        """Content of the last user turn: the task's own wording of the question."""
        return next((m.content for m in reversed(self.messages) if m.role == "user"), "")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A request for a tool: its name and arguments by parameter name."""

    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back.

    Attributes:
        text: The observation as the model sees it.
        error: Category of the failure ("arguments", "timeout", ...); None when the call succeeded.
        ran_in: What executed it, where that matters ("monty", "subprocess"); "" otherwise.
    """

    text: str
    error: str | None = None
    ran_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One recorded act. Fields that do not belong to the kind keep their defaults.

    Attributes:
        kind: What was done.
        purpose: The reasoner's own word for it ("draft", "vote", ...).
        prompt: Rendered prompt, query, or arguments as text.
        output: Completion, observation, or stored value.
        prompt_tokens: Tokens of the prompt; None: not measured.
        cached_tokens: Prompt tokens that were not computed again.
        completion_tokens: Tokens generated; None: not measured.
        forwarded_tokens: Tokens sent through the model; None: not measured.
        tool: Name of the tool, retriever, memory or verifier; `PROXY` for a completion of the proxy model.
        error: Category of a failed tool call.
        documents: (id, score) of what was retrieved, best first.
        retrieved_tokens: Tokens of the retrieved text; None: not measured.
        ran_in: What executed a tool call.
        seconds: Wall time.
        path: The sub-problem that it was done for, as numbers from 1 ("2.1" is the first part of the second); "" for
            the problem itself.
    """

    kind: StepKind
    purpose: str = ""
    prompt: str = ""
    output: str = ""
    prompt_tokens: int | None = None
    cached_tokens: int = 0
    completion_tokens: int | None = None
    forwarded_tokens: int | None = None
    finish_reason: str = ""
    tool: str = ""
    error: str | None = None
    documents: tuple[tuple[str, float], ...] = ()
    retrieved_tokens: int | None = None
    ran_in: str = ""
    seconds: float = 0.0
    path: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reasoner returns: the text that lm-eval scores, and why it stopped."""

    text: str
    stop_reason: StopReason = StopReason.ANSWERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """All steps on one problem, in order, and the answer."""

    task: str
    doc_id: int
    sample: int
    answer: str
    stop_reason: StopReason
    steps: tuple[Step, ...] = ()
    seconds: float = 0.0
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data for one line of trajectories.jsonl."""
        data = asdict(self)
        data["stop_reason"] = self.stop_reason.value
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Trajectory:
        """The inverse of `to_json`."""
        steps = tuple(
            Step(**{**s, "documents": tuple((str(i), float(x)) for i, x in s.get("documents", ()))})
            for s in data["steps"]
        )
        return cls(**{**data, "steps": steps, "stop_reason": StopReason(data["stop_reason"])})
