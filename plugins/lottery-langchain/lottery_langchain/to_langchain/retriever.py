"""A retriever of ours as a LangChain retriever."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document as TheirDocument
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, PrivateAttr

from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.retriever import Index, Retriever

__all__ = ["LotteryRetriever", "as_langchain_retriever"]


class LotteryRetriever(BaseRetriever):
    """A retriever of ours over fixed documents, which LangChain can ask.

    The index is built when the object is made. Each document that is found has our id, and `title` and `score` among
    its metadata. One search at a time, since our retrievers do not promise that threads can share them.

    Attributes:
        retriever: The retriever.
        documents: What it searches.
        k: How many documents to give; `invoke(query, k=...)` overrides it. None: as many as the retriever says.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    retriever: Any
    documents: Sequence[Document] = ()
    k: int | None = None

    _index: Any = PrivateAttr()
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    def model_post_init(self, context: Any, /) -> None:
        """Build the index."""
        super().model_post_init(context)
        _check_k(self.k)
        index: Index = self.retriever.build(tuple(self.documents))
        self._index = index

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[TheirDocument]:
        _check_k(k)
        with self._lock:
            found = self._index.search(query, k or self.k or self.retriever.top_k)
        return [
            TheirDocument(
                page_content=hit.document.text,
                id=hit.document.id,
                metadata={"title": hit.document.title, "score": hit.score},
            )
            for hit in found
        ]


def as_langchain_retriever(retriever: Retriever, documents: Sequence[Document] = ()) -> LotteryRetriever:
    """Hand a retriever to LangChain.

    Args:
        retriever: One that searches a knowledge base, or that brings its own documents.
        documents: What it is to search; none for one that brings its own.

    Raises:
        ConfigError: It searches a problem's prompt, which LangChain has not.
    """
    if retriever.searches == "prompt":
        raise ConfigError(
            "as_langchain_retriever",
            retriever.name,
            "a retriever that searches documents, not a prompt",
            "Cut the text with its chunks() and give the pieces to a retriever such as bm25.",
        )
    return LotteryRetriever(retriever=retriever, documents=documents)


def _check_k(k: int | None) -> None:
    if k is not None and k < 1:
        raise ConfigError("LotteryRetriever.k", k, "a whole number from 1, or None")
