"""Retrievers (R in the paper): the documents of a knowledge base (D) that a query needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

from lottery_plugins.documents import Document, ScoredDocument

__all__ = ["CompositeRetriever", "Index", "PersistentRetriever", "Retriever"]


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

    @property
    def searches(self) -> str:
        """A ClassVar, or worked out from the options."""
        ...

    @property
    def top_k(self) -> int:
        """An option."""
        ...

    def build(self, documents: Sequence[Document]) -> Index:
        """Index the documents. An empty corpus gives an index that finds nothing. Called once per knowledge base."""
        ...

    def chunks(self, context: str) -> Sequence[Document]:
        """Cut a problem's context into documents; only called when `searches` is "prompt"."""
        ...


@runtime_checkable
class PersistentRetriever(Retriever, Protocol):
    """A retriever whose index can be kept in files; optional.

    The index of a run's knowledge base is then made once and opened by every later run. Who calls these methods sees to
    the rest: where the files are, that one process writes at a time, that a half-written folder is never opened.
    """

    def index_version(self) -> str:
        """What the files depend on beside the documents, as text.

        Holds the version of the file format and of the code that decides what is written, and each option that
        changes it; not `top_k`. Equal for equal options, in every process.
        """
        ...

    def write_index(self, documents: Sequence[Document], folder: Path) -> None:
        """Index the documents into an empty folder. They may be more than fit memory: go through them in order, once.

        The folder is moved afterwards, so no file may hold its path.
        """
        ...

    def open_index(self, documents: Sequence[Document], folder: Path) -> Index:
        """The index that was written for these documents; it finds what that of `build` finds, score by score.

        Large files are memory-mapped. The folder is only read, by any number of processes.
        """
        ...


@runtime_checkable
class CompositeRetriever(Retriever, Protocol):
    """A retriever made of others; optional. The indexes of its parts are made, kept and opened each by itself."""

    def parts(self) -> Sequence[Retriever]:
        """The others, in a fixed order."""
        ...

    def fuse(self, documents: Sequence[Document], indexes: Sequence[Index]) -> Index:
        """One index of those of the parts, which are over the same documents; finds what that of `build` finds."""
        ...
