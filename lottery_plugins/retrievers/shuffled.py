"""Evidence of another question in place of one's own: the placebo that a retriever's help is measured against."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

from lottery_plugins.documents import Document, ScoredDocument
from lottery_plugins.protocols.retriever import Index

__all__ = ["ShuffledIndex"]

_NEAR = 10  # times as many documents as are asked for count as suiting the query somewhat


@dataclass(frozen=True)
class ShuffledIndex:
    """An index that gives other documents than those that suit the query, as many, with their scores.

    A run on it has everything of the real one, the searches, the length of the prompts and the texts' style, but for
    the evidence itself: what it gains over a run without retrieval is not owed to what was found. Which documents are
    given follows from the query alone.

    Attributes:
        index: The real one, over `documents`.
        documents: What is drawn from. When they are few, so many are given as are left.
    """

    index: Index
    documents: Sequence[Document]

    def search(self, query: str, top_k: int) -> list[ScoredDocument]:
        """Documents that `index` would not give, in random order; ones that suit the query somewhat only in need."""
        near = [hit.document.id for hit in self.index.search(query, _NEAR * top_k)]
        found = self.index.search(query, top_k)
        suited = {hit.document.id for hit in found}
        digest = hashlib.blake2b(query.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        draw = random.Random(int.from_bytes(digest, "big"))
        positions = draw.sample(range(len(self.documents)), min(len(self.documents), len(near) + len(found)))
        others = [self.documents[i] for i in positions if self.documents[i].id not in suited]
        others.sort(key=lambda document: document.id in near)
        return [ScoredDocument(other, hit.score) for other, hit in zip(others, found, strict=False)]
