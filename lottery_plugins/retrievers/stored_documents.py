"""A knowledge base in files: any number of documents, of which none is in memory until it is asked for."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

from lottery_plugins.documents import Document
from lottery_plugins.errors import DataError
from lottery_plugins.retrievers.stored_strings import StoredStrings, write_strings

__all__ = ["FORMAT", "StoredDocuments", "documents_digest", "write_documents"]

FORMAT = 1
"""Of the files; part of the name under which they are kept."""


class StoredDocuments(Sequence[Document]):
    """The documents that `write_documents` wrote, in order; equal to another when the content is.

    Attributes:
        digest: Names the content: 64 hexadecimal digits.
    """

    def __init__(self, folder: Path) -> None:
        import numpy as np

        self._fields = StoredStrings(folder, "fields")
        self._hashes = np.load(folder / "hashes.npy", mmap_mode="r", allow_pickle=False)
        self._order = np.load(folder / "order.npy", mmap_mode="r", allow_pickle=False)
        self.digest = (folder / "digest.txt").read_text(encoding="ascii")

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> Document: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Document, ...]: ...

    def __getitem__(self, index: int | slice) -> Document | tuple[Document, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(index)
        id_, title, text = self._fields[3 * place : 3 * place + 3]
        return Document(id_, text, title)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoredDocuments) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def position(self, id_: str) -> int:
        """Where the document with this id stands.

        Raises:
            KeyError: There is none.
        """
        import numpy as np

        wanted = np.uint64(_short_hash(id_))
        first = int(np.searchsorted(self._hashes, wanted))
        for i in range(first, len(self)):
            if self._hashes[i] != wanted:
                break
            if self._fields[3 * int(self._order[i])] == id_:
                return int(self._order[i])
        raise KeyError(id_)


def write_documents(numbered: Iterable[tuple[int, Document]], where: str, folder: Path) -> None:
    """Write documents, holding one of them at a time beside 16 bytes for each.

    Args:
        numbered: The documents with their line numbers.
        where: The file they come from, for error messages.
        folder: Takes the files.

    Raises:
        DataError: Two documents share an id; and whatever reading them raises.
    """
    import numpy as np

    hashes, lines = array("Q"), array("q")
    digest = hashlib.sha256()

    def fields() -> Iterator[str]:
        for line, document in numbered:
            hashes.append(_short_hash(document.id))
            lines.append(line)
            digest.update(_packed(document))
            yield from (document.id, document.title, document.text)

    write_strings(fields(), folder, "fields")
    unsorted = np.asarray(hashes, dtype=np.uint64)
    order = np.argsort(unsorted, kind="stable")
    np.save(folder / "hashes.npy", unsorted[order], allow_pickle=False)
    np.save(folder / "order.npy", order, allow_pickle=False)
    (folder / "digest.txt").write_text(digest.hexdigest(), encoding="ascii")
    _check_unique(StoredDocuments(folder), lines, where)


def documents_digest(documents: Sequence[Document]) -> str:
    """Names the content of any documents, as `StoredDocuments.digest` does."""
    if isinstance(documents, StoredDocuments):
        return documents.digest
    digest = hashlib.sha256()
    for document in documents:
        digest.update(_packed(document))
    return digest.hexdigest()


def _packed(document: Document) -> bytes:
    """The fields with their lengths, so that no two documents are packed alike."""
    parts = [part.encode("utf-8", "surrogatepass") for part in (document.id, document.title, document.text)]
    return b"".join((b"%d %d %d\n" % tuple(map(len, parts)), *parts))


def _short_hash(id_: str) -> int:
    return int.from_bytes(hashlib.blake2b(id_.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _check_unique(documents: StoredDocuments, lines: Sequence[int], where: str) -> None:
    """Only documents whose short hashes are equal are compared; a stable sort leaves them in order."""
    import numpy as np

    hashes, order = np.asarray(documents._hashes), documents._order
    for i in np.flatnonzero(hashes[1:] == hashes[:-1]):
        later = documents[int(order[i + 1])]
        earlier = documents.position(later.id)  # the first of that id
        if earlier != order[i + 1]:
            repeated = f"repeats the id {later.id!r} of line {lines[earlier]}"
            raise DataError(f"{where}:{lines[int(order[i + 1])]}", repeated, "Make ids unique.")
