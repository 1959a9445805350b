"""`langchain-index`: a LangChain retriever built from the run's documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lottery_langchain.documents import OUR_ID, ranked, to_langchain
from lottery_langchain.entries import ENTRY_HELP, load_entry
from lottery_langchain.retriever import REQUIRES, ask, check_retriever_options, checked_retriever
from lottery_plugins.documents import Document, ScoredDocument
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    from langchain_core.documents import Document as TheirDocument
    from langchain_core.retrievers import BaseRetriever

__all__ = ["BuiltIndex", "LangChainIndex", "NamedIndex"]


@dataclass(frozen=True)
class LangChainIndex:
    """LangChain retrievers over the documents of a task or of the run.

    Args:
        factory: Makes a retriever from documents, such as a vector store's `from_documents` followed by `as_retriever`.
            Their content is title and text; a piece of a document stands for the whole, as long as it keeps the
            metadata.
        top_k: Documents given when the reasoner does not say how many.
        score_field: As of `LangChainRetriever`.
    """

    name: ClassVar[str] = "langchain-index"
    summary: ClassVar[str] = "Search the knowledge base with a LangChain retriever built from it."
    searches: ClassVar[str] = "knowledge-base"

    factory: Callable[[list[TheirDocument]], BaseRetriever]
    top_k: int = 4
    score_field: str = ""

    def build(self, documents: Sequence[Document]) -> BuiltIndex:
        """Have the retriever built; an empty knowledge base needs none.

        Raises:
            ConfigError: What the factory made is no retriever.
        """
        retriever = None
        if documents:
            made = self.factory([to_langchain(document) for document in documents])
            retriever = checked_retriever(made, f"retriever: {self.name}", "what its factory made")
        by_id = {document.id: document for document in documents}
        return BuiltIndex(retriever, by_id, self.score_field)

    def chunks(self, context: str) -> Sequence[Document]:
        """Only for retrievers that search the prompt."""
        return ()


@dataclass(frozen=True)
class NamedIndex:
    """LangChain retrievers made by the function at an import path from the documents of a task or of the run.

    Raises:
        ConfigError: If the path is none, or an option is out of range.
    """

    name: ClassVar[str] = "langchain-index"
    summary: ClassVar[str] = (
        "Search the knowledge base with a LangChain retriever that a named function builds from it."
    )
    requires: ClassVar[tuple[tuple[str, str], ...]] = REQUIRES
    searches: ClassVar[str] = "knowledge-base"

    entry: str = option(
        help="import path of a function from a list of LangChain documents to a retriever", allowed=ENTRY_HELP
    )
    top_k: int = option(4, "documents given when the reasoner does not say how many", unit="documents", allowed="1 up")
    score_field: str = option("", "metadata field with a score, higher for better; without one the rank decides")

    def __post_init__(self) -> None:
        check_retriever_options(self.name, self.entry, self.top_k)

    def build(self, documents: Sequence[Document]) -> BuiltIndex:
        """Import the function and have it build a retriever; called once per knowledge base.

        Raises:
            ConfigError: There is no function at that path, or what it makes is no retriever.
        """
        where = f"retriever: {self.name}.entry"
        factory = load_entry(self.entry, where)
        if not callable(factory):
            raise ConfigError(where, self.entry, "a function from a list of LangChain documents to a retriever")
        return LangChainIndex(factory, self.top_k, self.score_field).build(documents)

    def chunks(self, context: str) -> Sequence[Document]:
        """Only for retrievers that search the prompt."""
        return ()


@dataclass(frozen=True)
class BuiltIndex:
    """One knowledge base with its LangChain retriever; None for an empty one."""

    retriever: BaseRetriever | None
    documents: Mapping[str, Document]
    score_field: str = ""

    def search(self, query: str, top_k: int) -> list[ScoredDocument]:
        """Our documents in the retriever's order.

        Raises:
            DataError: A document was found that is not of the knowledge base.
        """
        if self.retriever is None:
            return []
        found = ask(self.retriever, query, top_k)
        pairs = ((self._ours(item), item.metadata) for item in found)
        return ranked(pairs, top_k, score_field=self.score_field, where="retriever langchain-index")

    def _ours(self, found: TheirDocument) -> Document:
        key: Any = found.metadata.get(OUR_ID, found.id)
        if key not in self.documents:
            raise DataError(
                "retriever langchain-index",
                f"gave a document with the id {key!r}, which is not of the knowledge base",
                f"The function must keep the metadata field {OUR_ID!r}; langchain-retriever searches other documents.",
            )
        return self.documents[key]
