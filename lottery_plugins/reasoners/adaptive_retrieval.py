"""`adaptive-retrieval`: search only when it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError
from lottery_plugins.messages import Message
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.direct import Direct
from lottery_plugins.reasoners.drafts import claims, fused, is_unsure, says_yes
from lottery_plugins.reasoners.prompts import load
from lottery_plugins.reasoners.retrieve_then_read import RetrieveThenRead
from lottery_plugins.reasoners.sampling import finished
from lottery_plugins.reasoners.turns import check_at_least, check_one_of, continued
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["AdaptiveRetrieval"]

GATES = ("proxy", "popularity", "always", "never")


@dataclass(frozen=True)
class AdaptiveRetrieval:
    """Decide for each problem whether to search, then answer as `retrieve-then-read` or as `direct` does.

    `popularity` searches when the subject of the question is less known than `threshold`; the task must say how known
    it is. `proxy` lets the run's small proxy model draft an answer, or the model under test when there is none, and
    searches when the draft is unsure: it is blank or hedges, or, with `judge=model`, the drafting model does not say
    that it is certain. What is searched for is the question and the draft's own statements; the results are fused by
    reciprocal rank. The draft is not shown to the model that answers.

    The ledger states the share of the problems that searched, and the mean of the retrieved tokens over all problems:
    the cost that the lottery hypothesis compares to a Huffman code, where frequent facts are to cost little.

    Raises:
        ConfigError: If an option is out of range, or `gate=popularity` meets a task that tells no popularity.

    Cost: `proxy`: one draft, one judgement with `judge=model`, up to `max_queries` searches; then one completion.
    Deviation: the papers tune a threshold for each kind of question, and train a model to judge and to write queries;
        here there is one threshold, the judge is prompted, and each statement of the draft is a query as it stands.
    """

    name: ClassVar[str] = "adaptive-retrieval"
    summary: ClassVar[str] = "Search only when the question's subject is rare, or when a draft answer is unsure."
    source: ClassVar[str] = (
        "popularity: Mallen et al. 2022, arXiv:2212.10511; proxy: Tan et al. 2024, SlimPLM, arXiv:2402.12052"
    )
    needs: ClassVar[tuple[str, ...]] = ("retriever",)

    gate: str = option("proxy", "what decides whether to search", allowed=" or ".join(GATES))
    threshold: float | None = option(None, "least popularity that needs no search; only for gate=popularity")
    judge: str = option("model", "who judges a draft", allowed="model or words")
    max_queries: int = option(3, "most searches after a draft", allowed="1 or more")
    max_tokens: int = option(96, "longest draft", unit="tokens", allowed="1 or more")
    top_k: int | None = option(None, "most documents read; none: as the retriever says", allowed="1 or more")
    max_document_words: int | None = option(None, "longest part of a document", unit="words", allowed="1 or more")

    def __post_init__(self) -> None:
        check_one_of(GATES, "adaptive-retrieval.gate", self.gate)
        check_one_of(("model", "words"), "adaptive-retrieval.judge", self.judge)
        check_at_least(1, "adaptive-retrieval.max_queries", self.max_queries)
        check_at_least(1, "adaptive-retrieval.max_tokens", self.max_tokens)
        check_at_least(1, "adaptive-retrieval.top_k", self.top_k)
        check_at_least(1, "adaptive-retrieval.max_document_words", self.max_document_words)
        if (self.threshold is None) == (self.gate == "popularity"):
            allowed = "a popularity with gate=popularity, and none with any other gate"
            hint = "PopQA counts page views a month; choose the value on other questions than those that are scored."
            raise ConfigError("reasoner: adaptive-retrieval.threshold", self.threshold, allowed, hint)

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Decide, then search and read, or answer at once."""
        reader = RetrieveThenRead(top_k=self.top_k, max_document_words=self.max_document_words)
        if self.gate == "proxy":
            draft = await self._draft(problem, services)
            if not is_unsure(draft) and (self.judge == "words" or await self._is_certain(problem, draft, services)):
                return await Direct().solve(problem, services)
            return await reader.read(problem, services, await self._searched(problem, draft, services))
        if self.gate == "always" or (self.gate == "popularity" and self._is_rare(problem)):
            return await reader.solve(problem, services)
        return await Direct().solve(problem, services)

    def _is_rare(self, problem: Problem) -> bool:
        """Whether the subject is less known than the threshold.

        Raises:
            ConfigError: The task does not tell.
        """
        if problem.popularity is None or self.threshold is None:
            raise ConfigError(
                "reasoner: adaptive-retrieval.gate",
                self.gate,
                "a task whose documents tell their popularity",
                f"Name the field in the YAML of {problem.task}, as metadata.lottery.popularity, or use gate=proxy.",
            )
        return problem.popularity < self.threshold

    async def _draft(self, problem: Problem, services: Services) -> str:
        """What the small model says without documents."""
        prompt = load(self.name)
        asked = Message("user", prompt.fill("draft", question=problem.question))
        written = await services.generate(
            continued((asked,), prompt.texts["draft_begin"]),
            purpose="draft",
            max_tokens=self.max_tokens,
            stop=prompt.stop,
            proxy=services.has_proxy,
        )
        return " ".join(written.text.split())

    async def _is_certain(self, problem: Problem, draft: str, services: Services) -> bool:
        """Whether the model that drafted vouches for the draft; anything but a yes is a no."""
        prompt = load(self.name)
        asked = Message("user", prompt.fill("judge", question=problem.question, draft=draft))
        written = await services.generate(
            continued((asked,), prompt.texts["judge_begin"]),
            purpose="judge",
            max_tokens=4,
            stop=("\n",),
            proxy=services.has_proxy,
        )
        return says_yes(written.text)

    async def _searched(self, problem: Problem, draft: str, services: Services) -> list[Document]:
        """What the question and the draft's statements find together."""
        queries = (problem.question, *claims(draft, problem.question))[: self.max_queries]
        results, _ = await finished(services.retrieve(query, top_k=self.top_k) for query in queries)
        return fused([[hit.document for hit in found or ()] for found in results])
