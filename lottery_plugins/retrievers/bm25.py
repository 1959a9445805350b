"""`bm25`: rank documents by the words they share with the query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar
from unicodedata import unidata_version

from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError, suggest
from lottery_plugins.protocols.plugin import option
from lottery_plugins.retrievers.bm25_index import FORMAT, Bm25Index, build_bm25, open_bm25, write_bm25
from lottery_plugins.retrievers.words import LANGUAGES

__all__ = ["Bm25"]


@dataclass(frozen=True)
class Bm25:
    """Rank documents by BM25 over stemmed words without stop words.

    Title and text are indexed together. Documents without a word of the query are left out.

    Raises:
        ConfigError: If an option is out of range.

    Source: Robertson et al. 1994, Okapi at TREC-3; scoring as in Lucene, and to the bit as in bm25s
    (Lù 2024, arXiv:2407.03618), whose stop words are used as well.
    """

    name: ClassVar[str] = "bm25"
    summary: ClassVar[str] = "Rank the documents of a knowledge base by the words they share with the query."
    source: ClassVar[str] = "Robertson et al. 1994, Okapi at TREC-3; bm25s, arXiv:2407.03618"
    requires: ClassVar[tuple[tuple[str, str], ...]] = (
        ("bm25s", "pip install bm25s"),
        ("Stemmer", "pip install PyStemmer"),
    )
    searches: ClassVar[str] = "knowledge-base"

    top_k: int = option(3, "documents given when the reasoner does not say how many", unit="documents", allowed="1 up")
    k1: float = option(1.5, "how slowly repeats of a word stop to count", allowed="[0, 10]")
    b: float = option(0.75, "how much long documents are marked down", allowed="[0, 1]")
    language: str = option("english", "whose stop words and endings to leave out", allowed=", ".join(LANGUAGES))

    def __post_init__(self) -> None:
        where = f"retriever: {self.name}"
        if self.top_k < 1:
            raise ConfigError(f"{where}.top_k", self.top_k, "a whole number from 1")
        if not 0 <= self.k1 <= 10:
            raise ConfigError(f"{where}.k1", self.k1, "a number in [0, 10]")
        if not 0 <= self.b <= 1:
            raise ConfigError(f"{where}.b", self.b, "a number in [0, 1]")
        if self.language not in LANGUAGES:
            hint = suggest(str(self.language), LANGUAGES).strip()
            raise ConfigError(f"{where}.language", self.language, f"one of {', '.join(LANGUAGES)}", hint)

    def build(self, documents: Sequence[Document]) -> Bm25Index:
        """Index the documents.

        Raises:
            DataError: Two documents share an id.
        """
        return build_bm25(documents, k1=self.k1, b=self.b, language=self.language)

    def index_version(self) -> str:
        """Format and options of the files, and what splits and stems: another version may do so differently."""
        splitting = f"bm25s {version('bm25s')}, PyStemmer {version('PyStemmer')}, Unicode {unidata_version}"
        return f"{FORMAT}, k1={self.k1!r}, b={self.b!r}, {self.language}, {splitting}"

    def write_index(self, documents: Sequence[Document], folder: Path) -> None:
        """Index documents into files; see `protocols.retriever.PersistentRetriever`."""
        write_bm25(documents, folder, k1=self.k1, b=self.b, language=self.language)

    def open_index(self, documents: Sequence[Document], folder: Path) -> Bm25Index:
        """The index that was written, memory-mapped."""
        return open_bm25(documents, folder, language=self.language)

    def chunks(self, context: str) -> Sequence[Document]:
        """The context as one document; this retriever searches knowledge bases."""
        return (Document("context", context),) if context.strip() else ()
