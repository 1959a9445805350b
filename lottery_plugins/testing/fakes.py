"""Fakes with documented behaviour: a model that follows a script, tools, an index, and a run made of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from lottery_plugins.documents import Document, ScoredDocument
from lottery_plugins.errors import ToolError
from lottery_plugins.generation import Completion, GenerationConfig, GenerationRequest
from lottery_plugins.limits import Limits
from lottery_plugins.messages import Message, plain_text
from lottery_plugins.protocols.tool import Parameter, Tool, ToolDescription
from lottery_plugins.reasoning.facilities import Facilities
from lottery_plugins.reasoning.search import Search
from lottery_plugins.trajectory import Problem, ToolResult

__all__ = [
    "FakeTool",
    "ScriptedBackend",
    "WordIndex",
    "batched",
    "fake_problem",
    "one_by_one",
    "scripted_facilities",
]


class ScriptedBackend:
    """A backend (`protocols.backend.Backend`) whose replies are written beforehand.

    A word counts as a token. A reply is cut at the first stop string and at `max_tokens`, as a model's would be.

    Args:
        replies: A queue of replies, used up in order; when it is empty the reply is "". Or a function from the rendered
            prompt to the reply: then answers depend on the prompt alone, whatever the order of requests.

    Attributes:
        prompts: All rendered prompts, in the order of their answers.
        requests: All requests, in the same order.
        batch_sizes: Number of requests in each call of `generate`.
    """

    def __init__(self, replies: Iterable[str] | Callable[[str], str] = ()) -> None:
        self.prompts: list[str] = []
        self.requests: list[GenerationRequest] = []
        self.batch_sizes: list[int] = []
        if callable(replies):
            self._reply: Callable[[str], str] = replies
        else:
            queue = iter(replies)
            self._reply = lambda prompt: next(queue, "")

    def render(self, messages: Sequence[Message]) -> str:
        """The turns as plain text."""
        return plain_text(messages)

    def count_tokens(self, text: str) -> int | None:
        """Number of words."""
        return len(text.split())

    def generate(self, requests: Sequence[GenerationRequest]) -> list[Completion]:
        """Answer all requests, in their order."""
        self.batch_sizes.append(len(requests))
        return [self._answer(request) for request in requests]

    def _answer(self, request: GenerationRequest) -> Completion:
        prompt = request.text if request.text is not None else self.render(request.messages)
        self.prompts.append(prompt)
        self.requests.append(request)
        full = self._reply(prompt)
        text = full
        for stop in request.config.stop:
            text = text.split(stop, 1)[0]
        words = text.split()
        is_long = len(words) > request.config.max_tokens
        if is_long:
            text = " ".join(words[: request.config.max_tokens])
        return Completion(
            text=text,
            prompt=prompt,
            prompt_tokens=len(prompt.split()),
            completion_tokens=min(len(words), request.config.max_tokens),
            finish_reason="length" if is_long else "stop",
        )


def one_by_one(backend: ScriptedBackend) -> Callable[[GenerationRequest], Awaitable[Completion]]:
    """The simplest scheduler: each request is a batch of one."""

    async def generate(request: GenerationRequest) -> Completion:
        await asyncio.sleep(0)
        return backend.generate([request])[0]

    return generate


def batched(backend: ScriptedBackend, batch_size: int) -> Callable[[GenerationRequest], Awaitable[Completion]]:
    """A scheduler for tests: requests that wait at the same time share a batch, at most `batch_size` of them."""
    waiting: list[tuple[GenerationRequest, asyncio.Future[Completion]]] = []

    async def generate(request: GenerationRequest) -> Completion:
        future: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        waiting.append((request, future))
        await asyncio.sleep(0)  # let the others ask
        while not future.done():
            batch = waiting[:batch_size]
            del waiting[:batch_size]
            for (_, asked), completion in zip(batch, backend.generate([r for r, _ in batch]), strict=True):
                if not asked.done():
                    asked.set_result(completion)
        return future.result()

    return generate


@dataclass(frozen=True)
class FakeTool:
    """A tool named as you like that answers with `reply`, a function of its first argument as text.

    An argument that is missing or no text gives a ToolError, as the contract of tools asks.
    """

    summary: ClassVar[str] = "Answers as it was told."

    name: str = "echo"  # a field, so that one class makes tools of many names
    parameter: str = "text"
    reply: Callable[[str], str] = field(default=lambda text: text)

    @property
    def description(self) -> ToolDescription:
        """One required text parameter."""
        return ToolDescription(self.name, "Answers.", (Parameter(self.parameter, "string", "any text"),))

    def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The reply."""
        text = arguments.get(self.parameter)
        if not isinstance(text, str):
            raise ToolError(self.name, f"{self.parameter} is missing or not a text", f"Send {self.parameter} as text.")
        return ToolResult(self.reply(text))


@dataclass(frozen=True)
class WordIndex:
    """An index (`protocols.retriever.Index`) that counts the words shared with the query."""

    documents: Sequence[Document] = ()

    def search(self, query: str, top_k: int) -> list[ScoredDocument]:
        """The documents with most words of the query."""
        words = set(query.lower().split())
        hits = [ScoredDocument(d, float(len(words & set(d.as_text().lower().split())))) for d in self.documents]
        return sorted((h for h in hits if h.score > 0), key=lambda h: -h.score)[:top_k]


def fake_problem(question: str = "What is 2 + 3?", **fields: Any) -> Problem:
    """A problem whose prompt is "Question: ...", newline, "Answer:"; `fields` replaces what `Problem` has."""
    context = fields.get("context", "")
    prompt = f"{context}\n\n" if context else ""
    given: dict[str, Any] = {
        "task": "fake",
        "doc_id": 0,
        "messages": (Message("user", f"{prompt}Question: {question}\nAnswer:"),),
        "question": question,
        "config": GenerationConfig(max_tokens=32, stop=("\n",)),
    }
    return Problem(**(given | fields))


def scripted_facilities(
    backend: ScriptedBackend,
    *,
    tools: Sequence[Tool | FakeTool] = (),
    documents: Sequence[Document] | None = None,
    limits: Limits | None = None,
    batch_size: int = 1,
    **others: Any,
) -> Facilities:
    """A run on a scripted backend.

    Args:
        backend: Answers the requests.
        tools: Offered under their names.
        documents: Searched by shared words, together with the problem's own; None: the run has no retriever.
        limits: Budget of each problem.
        batch_size: Most requests in one batch.
        others: More fields of `Facilities`.
    """
    search = None
    if documents is not None:
        search = Search(index_for=lambda p: WordIndex((*p.knowledge_base, *documents)), top_k=2, name="words")
    given: dict[str, Any] = {
        "generate": one_by_one(backend) if batch_size == 1 else batched(backend, batch_size),
        "count_tokens": backend.count_tokens,
        "tools": {tool.name: tool for tool in tools},
        "search": search,
        "limits": limits or Limits(),
    }
    return Facilities(**(given | others))
