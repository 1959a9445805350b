"""`hybrid`: words and meaning together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

from lottery_dense.dense import Dense
from lottery_dense.options import EncoderOptions
from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.retriever import Index, Retriever
from lottery_plugins.retrievers.bm25 import Bm25
from lottery_plugins.retrievers.fusion import FusedIndex, Fusion

__all__ = ["Hybrid"]


@dataclass(frozen=True)
class Hybrid(EncoderOptions):
    """Fuse `bm25` and `dense` by reciprocal rank: with the defaults, what `retriever=bm25+dense` finds.

    The indexes of both are made and kept one by one, so `bm25`, `dense` and their fusions share them.

    Raises:
        ConfigError: If an option is out of range.

    Source: Cormack, Clarke, Büttcher 2009, Reciprocal rank fusion, SIGIR; k as there.
    """

    name: ClassVar[str] = "hybrid"
    summary: ClassVar[str] = "Rank documents by words and by meaning, fused by reciprocal rank."
    source: ClassVar[str] = "Cormack, Clarke, Büttcher 2009, Reciprocal rank fusion"
    searches: ClassVar[str] = "knowledge-base"
    requires: ClassVar[tuple[tuple[str, str], ...]] = (*EncoderOptions.requires, *Bm25.requires)

    top_k: int = option(3, "documents given when the reasoner does not say how many", unit="documents", allowed="1 up")
    k: float = option(60.0, "how little the first places stand out", allowed="0 up")
    depth: int = option(100, "documents of each ranking that count", unit="documents", allowed="1 up")
    dense_weight: float = option(0.5, "share of the ranking by meaning", allowed="[0, 1]")
    language: str = option("english", "as in bm25")
    vectors: str = option("float32", "as in dense", allowed="float32 or float16")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.k >= 0:
            raise ConfigError(f"{self._where}.k", self.k, "a number from 0")
        if self.depth < 1:
            raise ConfigError(f"{self._where}.depth", self.depth, "a whole number from 1")
        if not 0 <= self.dense_weight <= 1:
            raise ConfigError(f"{self._where}.dense_weight", self.dense_weight, "a number in [0, 1]")
        _ = self.parts()  # check the other options

    def parts(self) -> tuple[Retriever, ...]:
        """`bm25` and `dense`."""
        shared = {field.name: getattr(self, field.name) for field in fields(EncoderOptions)}
        dense = Dense(top_k=self.top_k, vectors=self.vectors, **shared)
        return (Bm25(top_k=self.top_k, language=self.language), dense)

    def build(self, documents: Sequence[Document]) -> FusedIndex:
        """Index the documents for both."""
        return self._fusion.build(documents)

    def fuse(self, documents: Sequence[Document], indexes: Sequence[Index]) -> FusedIndex:
        """One index of both."""
        return self._fusion.fuse(documents, indexes)

    def chunks(self, context: str) -> Sequence[Document]:
        """The context as one document; this retriever searches knowledge bases."""
        return (Document("context", context),) if context.strip() else ()

    @property
    def _fusion(self) -> Fusion:
        weights = (2 * (1 - self.dense_weight), 2 * self.dense_weight)
        return Fusion(self.parts(), k=self.k, depth=self.depth, weights=weights)
