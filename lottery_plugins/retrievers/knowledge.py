"""A run's own knowledge base and its index: in files that later runs open, or in memory where nothing may be kept."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lottery_plugins.documents import Document
from lottery_plugins.errors import DataError
from lottery_plugins.protocols.retriever import CompositeRetriever, Index, PersistentRetriever, Retriever
from lottery_plugins.retrievers.index_cache import IndexCache, IndexCacheError
from lottery_plugins.retrievers.knowledge_base import load_knowledge_base, read_documents
from lottery_plugins.retrievers.stored_documents import FORMAT, StoredDocuments, documents_digest, write_documents

__all__ = ["Knowledge"]

logger = logging.getLogger(__name__)

_IN_MEMORY = "it stays in memory. LOTTERY_INDEX_CACHE names another folder, or is 'off' to say that this is meant"


@dataclass(frozen=True)
class Knowledge:
    """Opens knowledge bases and their indexes.

    Attributes:
        cache: Where they are kept; None keeps nothing.
    """

    cache: IndexCache | None

    @classmethod
    def kept_in(cls, folder: Path | None) -> Knowledge:
        """With a cache in this folder; None for none."""
        return cls(IndexCache(folder) if folder else None)

    def documents(self, path: Path) -> Sequence[Document]:
        """The documents of a file, kept by the hash of the file.

        Raises:
            DataError: The file is no knowledge base.
        """
        if self.cache is None:
            return load_knowledge_base(path)
        key = f"documents-{FORMAT}-{_file_digest(path)[:40]}"
        try:
            folder = self.cache.folder(key, lambda part: write_documents(read_documents(path), str(path), part))
        except IndexCacheError as error:
            logger.warning("%s, so of %s %s.", error, path, _IN_MEMORY)
            return load_knowledge_base(path)
        return StoredDocuments(folder)

    def index(self, retriever: Retriever, documents: Sequence[Document]) -> Index:
        """The index of documents, kept by the hash of their content and by the retriever's version and options.

        Indexes of the parts of a composite are kept one by one, so another composite finds them.
        """
        if isinstance(retriever, CompositeRetriever):
            return retriever.fuse(documents, [self.index(part, documents) for part in retriever.parts()])
        if self.cache is None or not isinstance(retriever, PersistentRetriever):
            return retriever.build(documents)
        named = f"{documents_digest(documents)} {retriever.name} {retriever.index_version()}"
        key = f"{retriever.name}-{hashlib.sha256(named.encode()).hexdigest()[:40]}"

        def write(part: Path) -> None:
            start = time.perf_counter()
            logger.info("Indexing %d documents for %s, once; kept in %s.", len(documents), retriever.name, part.parent)
            retriever.write_index(documents, part)
            logger.info("Indexed in %.1f s.", time.perf_counter() - start)

        try:
            folder = self.cache.folder(key, write)
        except IndexCacheError as error:
            logger.warning("%s, so of the index for %s %s.", error, retriever.name, _IN_MEMORY)
            return retriever.build(documents)
        return retriever.open_index(documents, folder)


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        reason = "does not exist" if isinstance(error, FileNotFoundError) else f"can't be read ({error.strerror})"
        raise DataError(str(path), reason, "Name a readable .jsonl or .jsonl.gz file.") from None
