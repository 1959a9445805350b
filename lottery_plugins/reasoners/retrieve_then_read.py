"""`retrieve-then-read`: search with the question, read what was found, answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.documents import Document
from lottery_plugins.messages import replace_last_user
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.prompts import load
from lottery_plugins.reasoners.turns import check_at_least, check_one_of
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["RetrieveThenRead"]

ORDERS = ("best-first", "best-last")


@dataclass(frozen=True)
class RetrieveThenRead:
    """One search, then one completion with the documents before the task's own prompt.

    When what was found are chunks of the problem's own long context, they take its place inside the prompt, in reading
    order: this is the preprocessing of the prompt that the lottery hypothesis proposes for long inputs. When nothing
    is found, the model answers by itself and the step's purpose says so.

    Raises:
        ConfigError: If an option is out of range.

    Cost: one search and one completion.
    """

    name: ClassVar[str] = "retrieve-then-read"
    summary: ClassVar[str] = "Search once with the question, then answer with the documents in the prompt."
    source: ClassVar[str] = "Lewis et al. 2020, arXiv:2005.11401"
    needs: ClassVar[tuple[str, ...]] = ("retriever",)

    top_k: int | None = option(None, "most documents read; none: as the retriever says", allowed="1 or more")
    max_document_words: int | None = option(None, "longest part of a document", unit="words", allowed="1 or more")
    order: str = option("best-first", "where the best document stands", allowed="best-first or best-last")

    def __post_init__(self) -> None:
        check_at_least(1, "retrieve-then-read.top_k", self.top_k)
        check_at_least(1, "retrieve-then-read.max_document_words", self.max_document_words)
        check_one_of(ORDERS, "retrieve-then-read.order", self.order)

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Search, read, answer."""
        found = await services.retrieve(problem.question, top_k=self.top_k)
        return await self.read(problem, services, [hit.document for hit in found])

    async def read(self, problem: Problem, services: Services, documents: Sequence[Document]) -> Answer:
        """Answer with documents that were found, best first."""
        if not documents:
            completion = await services.generate(problem.messages, purpose="answer without documents")
            return Answer(completion.text)
        if all(d.text in problem.context for d in documents) and problem.context in problem.prompt:
            prompt = problem.prompt.replace(problem.context, _in_reading_order(documents, problem.context))
        else:
            prompt = load(self.name).fill("read", documents=self._shown(documents), prompt=problem.prompt)
        completion = await services.generate(replace_last_user(problem.messages, prompt), purpose="read")
        return Answer(completion.text)

    def _shown(self, documents: Sequence[Document]) -> str:
        """The documents as the prompt shows them."""
        texts = [self._cut(d.as_text()) for d in documents]
        return "\n\n".join(texts if self.order == "best-first" else reversed(texts))

    def _cut(self, text: str) -> str:
        """At most `max_document_words` words of a text, its line breaks kept."""
        words = text.split()
        if self.max_document_words is None or len(words) <= self.max_document_words:
            return text
        return " ".join(words[: self.max_document_words]) + " ..."


def _in_reading_order(chunks: Sequence[Document], context: str) -> str:
    """The kept chunks as they follow each other in the context; a gap shows as a line of its own."""
    places = sorted((context.find(chunk.text), chunk.text) for chunk in chunks)
    text, end = "", 0
    for start, chunk in places:
        fresh = chunk[max(0, end - start) :]  # chunks may overlap
        between = context[end:start]
        gap = between if not between.strip() else "\n"
        text += gap + fresh if text else fresh
        end = max(end, start + len(chunk))
    return text
