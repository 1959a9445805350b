"""`langchain-retriever`: any LangChain retriever, which brings its own documents."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lottery_langchain.documents import from_langchain, ranked
from lottery_langchain.entries import ENTRY_HELP, check_entry, load_entry, made_by
from lottery_plugins.documents import Document, ScoredDocument
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    from langchain_core.documents import Document as TheirDocument
    from langchain_core.retrievers import BaseRetriever

__all__ = ["LangChainRetriever", "NamedRetriever", "ask", "check_retriever_options", "checked_retriever"]

REQUIRES = (("langchain_core", "pip install langchain-core"),)


@dataclass(frozen=True)
class LangChainRetriever:
    """A LangChain retriever as a retriever of ours, over whatever it searches itself.

    Args:
        retriever: The retriever. Asked for `top_k` documents through its argument `k` where it has one; where not, its
            own number may be smaller.
        top_k: Documents given when the reasoner does not say how many.
        score_field: Metadata field with a score that is higher for a better match. Without one the score is
            1, 1/2, 1/3 by rank, since LangChain's retrievers give none: do not compare it with another retriever's.

    Raises:
        ConfigError: It is no LangChain retriever.
    """

    name: ClassVar[str] = "langchain-retriever"
    summary: ClassVar[str] = "Search with a LangChain retriever that brings its own documents."
    searches: ClassVar[str] = "outside"

    retriever: BaseRetriever
    top_k: int = 4
    score_field: str = ""

    def __post_init__(self) -> None:
        checked_retriever(self.retriever, "LangChainRetriever", type(self.retriever).__name__)

    def build(self, documents: Sequence[Document]) -> LangChainRetriever:
        """The retriever itself: it has its documents already, so it takes none.

        Raises:
            ConfigError: There are documents, which would not be searched.
        """
        if documents:
            raise ConfigError(
                f"retriever: {self.name}",
                f"{len(documents)} documents",
                "none, since the retriever searches its own",
                "langchain-index builds a retriever from the run's documents.",
            )
        return self

    def chunks(self, context: str) -> Sequence[Document]:
        """Only for retrievers that search the prompt."""
        return ()

    def search(self, query: str, top_k: int) -> list[ScoredDocument]:
        """What it finds, in its order; nothing for a blank query, which many vector stores refuse."""
        found = ask(self.retriever, query, top_k)
        pairs = ((from_langchain(item), item.metadata) for item in found)
        return ranked(pairs, top_k, score_field=self.score_field, where=f"retriever {self.name}")


@dataclass(frozen=True)
class NamedRetriever:
    """The LangChain retriever at an import path, over whatever it searches itself.

    Raises:
        ConfigError: If the path is none, or an option is out of range.
    """

    name: ClassVar[str] = "langchain-retriever"
    summary: ClassVar[str] = (
        "Search with a LangChain retriever that brings its own documents, named by its import path."
    )
    requires: ClassVar[tuple[tuple[str, str], ...]] = REQUIRES
    searches: ClassVar[str] = "outside"

    entry: str = option(
        help="import path of a retriever, or of a function without arguments that makes one", allowed=ENTRY_HELP
    )
    top_k: int = option(4, "documents given when the reasoner does not say how many", unit="documents", allowed="1 up")
    score_field: str = option("", "metadata field with a score, higher for better; without one the rank decides")

    def __post_init__(self) -> None:
        check_retriever_options(self.name, self.entry, self.top_k)

    def build(self, documents: Sequence[Document]) -> LangChainRetriever:
        """Import the retriever; called once for the run, with no documents.

        Raises:
            ConfigError: There is none at that path, or there are documents.
        """
        where = f"retriever: {self.name}.entry"
        found = load_entry(self.entry, where)
        made = made_by(found, where, self.entry) if callable(found) else found
        retriever = checked_retriever(made, where, self.entry)
        return LangChainRetriever(retriever, self.top_k, self.score_field).build(documents)

    def chunks(self, context: str) -> Sequence[Document]:
        """Only for retrievers that search the prompt."""
        return ()


def check_retriever_options(name: str, entry: str, top_k: int) -> None:
    """Check what both kinds of retrievers share.

    Raises:
        ConfigError: The entry is no import path, or top_k is below 1.
    """
    check_entry(entry, f"retriever: {name}.entry")
    if top_k < 1:
        raise ConfigError(f"retriever: {name}.top_k", top_k, "a whole number from 1")


def checked_retriever(found: Any, where: str, got: str) -> BaseRetriever:
    """The object itself, if it is a LangChain retriever.

    Raises:
        ConfigError: It is not.
    """
    from langchain_core.retrievers import BaseRetriever

    if not isinstance(found, BaseRetriever):
        hint = "A vector store becomes one with as_retriever()."
        raise ConfigError(where, f"{got}, a {type(found).__name__}", "a langchain_core.retrievers.BaseRetriever", hint)
    return found


def ask(retriever: BaseRetriever, query: str, top_k: int) -> list[TheirDocument]:
    """The documents of a query, asked for by number where the retriever can be asked so."""
    text = query.encode("utf-8", "replace").decode()  # half a surrogate pair fits into no request
    if not text.strip():
        return []
    taken = inspect.signature(retriever._get_relevant_documents).parameters.values()
    takes_k = any(p.name == "k" or p.kind is inspect.Parameter.VAR_KEYWORD for p in taken)
    number: dict[str, Any] = {"k": top_k} if takes_k else {}
    try:
        return retriever.invoke(text, **number)
    except NotImplementedError:  # it may have an asynchronous implementation only
        if type(retriever)._aget_relevant_documents is _their_default():
            raise
    return asyncio.run(retriever.ainvoke(text, **number))


def _their_default() -> Any:
    """The asynchronous method of a retriever that has none of its own."""
    from langchain_core.retrievers import BaseRetriever

    return BaseRetriever._aget_relevant_documents
