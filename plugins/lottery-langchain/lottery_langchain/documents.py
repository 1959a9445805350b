"""Documents to and from LangChain."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lottery_plugins.documents import Document, ScoredDocument
from lottery_plugins.errors import DataError

if TYPE_CHECKING:
    from langchain_core.documents import Document as TheirDocument

__all__ = ["OUR_ID", "from_langchain", "ranked", "to_langchain"]

OUR_ID = "lottery_id"
"""Metadata field with the id of one of our documents; pieces that a text splitter makes of it keep it."""


def to_langchain(document: Document) -> TheirDocument:
    """Title and text as the content, so that both are searched."""
    from langchain_core.documents import Document as TheirDocument

    metadata = {"title": document.title, OUR_ID: document.id}
    return TheirDocument(page_content=document.as_text(), metadata=metadata, id=document.id)


def from_langchain(found: TheirDocument) -> Document:
    """Content as text, `metadata["title"]` as the title.

    The id is their id, or the beginning of a hash of title and text: the same passage has the same id in every run.
    """
    title = found.metadata.get("title")
    title = title if isinstance(title, str) else ""
    content = hashlib.sha256(f"{title}\n{found.page_content}".encode("utf-8", "surrogatepass")).hexdigest()
    return Document(str(found.id) if found.id else f"sha256-{content[:16]}", found.page_content, title)


def ranked(
    documents: Iterable[tuple[Document, Any]], top_k: int, *, score_field: str, where: str
) -> list[ScoredDocument]:
    """Documents in the retriever's order, each id once, with scores that fall.

    Args:
        documents: A document of ours, and the metadata of the one that was found.
        top_k: At most this many are kept.
        score_field: Metadata field with a score that is higher for a better match; "": 1, 1/2, 1/3 by rank.
        where: The retriever, for error messages.

    Raises:
        DataError: A document lacks the score, or it is no finite number.
    """
    first: dict[str, tuple[Document, Any]] = {}
    for document, metadata in documents:
        first.setdefault(document.id, (document, metadata))
    found: Sequence[ScoredDocument] = [
        ScoredDocument(document, _score(metadata, score_field, where) if score_field else 1 / rank)
        for rank, (document, metadata) in enumerate(first.values(), start=1)
    ]
    return sorted(found, key=lambda hit: -hit.score)[:top_k]


def _score(metadata: Any, field: str, where: str) -> float:
    value = metadata.get(field)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        known = ", ".join(map(str, metadata)) or "none"
        raise DataError(
            where, f"gave a document whose metadata field {field!r} is {value!r}, no score", f"Its fields: {known}."
        )
    return float(value)
