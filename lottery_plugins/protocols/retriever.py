"""Retrievers (R in the paper): the documents of a knowledge base (D) that a query needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, runtime_checkable

from lottery_plugins.documents import Document, ScoredDocument

__all__ = ["Index", "Retriever"]


@runtime_checkable
class Index(Protocol):
    """A searchable knowledge base."""

    def search(self, query: str, top_k: int) -> list[ScoredDocument]:
        """The best documents for a query.

        Args:
            query: Any text, also empty or without a known word.
            top_k: At least 1; may exceed the number of documents.

        Returns:
            At most top_k documents, unique ids, scores descending, ties in order of the corpus. Documents that share
            nothing with the query are left out, so the list may be empty.
        """
        ...


@runtime_checkable
class Retriever(Protocol):
    """Builds an index over documents. Options are dataclass fields; see `protocols.plugin`.

    Attributes:
        searches: "knowledge-base": documents of the task or of the run. "prompt": the problem's own long context, cut
            into chunks by `chunks`. "outside": documents that the retriever brings, such as those of a server; its
            index is built once for the run, from no documents.
        top_k: How many documents a reasoner gets when it does not say.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    searches: ClassVar[str]
    top_k: int

    def build(self, documents: Sequence[Document]) -> Index:
        """Index the documents. An empty corpus gives an index that finds nothing. Called once per knowledge base."""
        ...

    def chunks(self, context: str) -> Sequence[Document]:
        """Cut a problem's context into documents; only called when `searches` is "prompt"."""
        ...
