"""Several retrievers as one: `retriever=bm25+dense`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.documents import Document, ScoredDocument
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.retriever import Index, Retriever
from lottery_plugins.retrievers.stored_documents import StoredDocuments

__all__ = ["FusedIndex", "Fusion"]

_LONG = " ".join(f"Word {i} of a long text{'.' if i % 7 == 0 else ''}" for i in range(500))
"""Cut alike by retrievers that cut every context alike."""


@dataclass(frozen=True)
class Fusion:
    """Rank documents by the sum of 1 / (k + rank) over the retrievers that found them, ranks from 1.

    Only ranks count, so scores of any scale go together.

    Args:
        retrievers: At least one; all search a knowledge base, or all search the prompt and cut it alike.
        k: How little the first places stand out.
        depth: How many documents of each retriever are ranked; more when more are asked for.
        weights: A factor for each retriever's share; () for 1 each.

    Raises:
        ConfigError: The retrievers search different things.

    Source: Cormack, Clarke, Büttcher 2009, Reciprocal rank fusion, SIGIR.
    """

    name: ClassVar[str] = "fusion"
    summary: ClassVar[str] = "Fuse several retrievers by the ranks they give."

    retrievers: tuple[Retriever, ...]
    k: float = 60
    depth: int = 100
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        names = "+".join(retriever.name for retriever in self.retrievers)
        if len({retriever.searches for retriever in self.retrievers}) > 1:
            kinds = ", ".join(f"{retriever.name} a {retriever.searches}" for retriever in self.retrievers)
            allowed = f"retrievers that search the same; here searches {kinds}"
            raise ConfigError("retriever", names, allowed, "Leave one out; prompt-dense ranks chunks by meaning.")
        if self.searches == "outside" and len(self.retrievers) > 1:
            allowed = "retrievers over the same documents; these bring their own"
            raise ConfigError("retriever", names, allowed, "Name one of them.")
        if self.searches == "prompt" and len({tuple(r.chunks(_LONG)) for r in self.retrievers}) > 1:
            raise ConfigError("retriever", names, "retrievers that cut the prompt alike", "Give them equal options.")

    @property
    def searches(self) -> str:
        """What its retrievers search."""
        return self.retrievers[0].searches

    @property
    def top_k(self) -> int:
        """The most that one of them would give."""
        return max(retriever.top_k for retriever in self.retrievers)

    def parts(self) -> tuple[Retriever, ...]:
        """The retrievers."""
        return self.retrievers

    def build(self, documents: Sequence[Document]) -> FusedIndex:
        """Index the documents once for each retriever."""
        return self.fuse(documents, [retriever.build(documents) for retriever in self.retrievers])

    def fuse(self, documents: Sequence[Document], indexes: Sequence[Index]) -> FusedIndex:
        """One index of those of the retrievers."""
        weights = self.weights or (1.0,) * len(indexes)
        return FusedIndex(tuple(zip(indexes, weights, strict=True)), _positions(documents), self.k, self.depth)

    def chunks(self, context: str) -> Sequence[Document]:
        """As each of them cuts it."""
        return self.retrievers[0].chunks(context)


@dataclass(frozen=True)
class FusedIndex:
    """Indexes over the same documents. As safe for threads as they are.

    Attributes:
        weighted: The indexes, each with the factor of its share.
        position: Where a document stands in the corpus, by its id.
        k: As in `Fusion`.
        depth: As in `Fusion`.
    """

    weighted: tuple[tuple[Index, float], ...]
    position: Callable[[str], int]
    k: float
    depth: int

    def search(self, query: str, top_k: int) -> list[ScoredDocument]:
        """The documents that an index found, best first, ties in order of the corpus."""
        found: dict[str, Document] = {}
        shares: dict[str, list[float]] = {}
        for index, weight in self.weighted:
            for rank, hit in enumerate(index.search(query, max(self.depth, top_k)), start=1):
                found[hit.document.id] = hit.document
                shares.setdefault(hit.document.id, []).append(weight / (self.k + rank))
        totals = {id_: math.fsum(parts) for id_, parts in shares.items()}  # exact, whatever the order of the retrievers
        best = sorted(totals, key=lambda id_: (-totals[id_], self.position(id_)))[:top_k]
        return [ScoredDocument(found[id_], totals[id_]) for id_ in best]


def _positions(documents: Sequence[Document]) -> Callable[[str], int]:
    if isinstance(documents, StoredDocuments):
        return documents.position
    return {document.id: i for i, document in enumerate(documents)}.__getitem__
