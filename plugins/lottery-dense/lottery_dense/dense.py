"""`dense`: rank documents by meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from lottery_dense.dense_index import FORMAT, DenseIndex, build_dense, open_dense, write_dense
from lottery_dense.options import EncoderOptions
from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.plugin import option

__all__ = ["Dense"]


@dataclass(frozen=True)
class Dense(EncoderOptions):
    """Rank documents by the cosine of their embedding and the query's; exact search over all of them.

    Title and text are embedded together, up to the model's window (256 tokens for the default model). Every document
    is nearer or farther, so none is left out; a blank query finds nothing. The same machine, libraries and number of
    threads give the same scores.

    Raises:
        ConfigError: If an option is out of range.

    Cost: one forward pass for each document, once; a query is one forward pass and documents x width products.
    Source: Reimers and Gurevych 2019, arXiv:1908.10084; Wang et al. 2020, MiniLM, arXiv:2002.10957.
    """

    name: ClassVar[str] = "dense"
    summary: ClassVar[str] = "Rank the documents of a knowledge base by meaning, with an embedding model."
    source: ClassVar[str] = "Reimers and Gurevych 2019, Sentence-BERT, arXiv:1908.10084"
    searches: ClassVar[str] = "knowledge-base"

    top_k: int = option(3, "documents given when the reasoner does not say how many", unit="documents", allowed="1 up")
    vectors: str = option(
        "float32", "how vectors are kept; float16 takes half the bytes and is slower", allowed="float32 or float16"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.top_k < 1:
            raise ConfigError(f"{self._where}.top_k", self.top_k, "a whole number from 1")
        if self.vectors not in ("float32", "float16"):
            raise ConfigError(f"{self._where}.vectors", self.vectors, "float32 or float16")

    def build(self, documents: Sequence[Document]) -> DenseIndex:
        """Embed the documents."""
        return build_dense(documents, self.encoder(), self.vectors)

    def chunks(self, context: str) -> Sequence[Document]:
        """The context as one document; this retriever searches knowledge bases."""
        return (Document("context", context),) if context.strip() else ()

    def index_version(self) -> str:
        """Format, model and precision."""
        return f"{FORMAT}, {self.encoder().digest}, {self.weights}, {self.vectors}"

    def write_index(self, documents: Sequence[Document], folder: Path) -> None:
        """Embed the documents into a file."""
        write_dense(documents, folder, self.encoder(), self.vectors)

    def open_index(self, documents: Sequence[Document], folder: Path) -> DenseIndex:
        """The index that was written, memory-mapped."""
        return open_dense(documents, folder, self.encoder())
