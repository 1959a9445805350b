"""The index that `bm25` and `prompt` search: in memory for a few documents, in files for any number."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from pathlib import Path

from lottery_plugins.documents import Document, ScoredDocument
from lottery_plugins.errors import DataError
from lottery_plugins.retrievers.postings import Arrays, Postings, build_postings, open_postings, write_postings
from lottery_plugins.retrievers.ranking import best_positions
from lottery_plugins.retrievers.stored_strings import StoredStrings, write_strings
from lottery_plugins.retrievers.words import Numbering, Words

__all__ = ["FORMAT", "Bm25Index", "build_bm25", "open_bm25", "write_bm25"]

FORMAT = 1
"""Of the files, the splitting into words, and the scores."""


class Bm25Index:
    """Documents ranked by BM25. Searching is safe from any thread.

    Args:
        documents: The corpus; it may be empty.
        words: Splits queries as the documents were split.
        number_of: The number of a stem, None for one that no document has.
        postings: The scores.
    """

    def __init__(
        self,
        documents: Sequence[Document],
        words: Words,
        number_of: Callable[[str], int | None],
        postings: Postings,
    ) -> None:
        self._documents, self._words, self._number_of, self._postings = documents, words, number_of, postings

    def search(self, query: str, top_k: int) -> list[ScoredDocument]:
        """The documents that share a word with the query, best first, ties in order of the corpus; at most top_k."""
        import numpy as np

        known = [number for word in self._words.of(query) if (number := self._number_of(word)) is not None]
        if not known or top_k < 1:
            return []
        scores = self._postings.total(known)
        found = np.flatnonzero(scores > 0)
        best = found[best_positions(scores[found], top_k)]
        return [ScoredDocument(self._documents[int(i)], float(scores[i])) for i in best]


def build_bm25(documents: Sequence[Document], *, k1: float, b: float, language: str) -> Bm25Index:
    """Index documents in memory.

    Raises:
        DataError: Two documents share an id.
    """
    kept = tuple(documents)
    _check_unique(kept)
    words = Words(language)
    numbering = Numbering(words)
    rows = (numbering.of(document.as_text()) for document in kept)
    postings = build_postings(rows, k1=k1, b=b, arrays=Arrays())
    return Bm25Index(kept, words, numbering.numbers.get, postings)


def write_bm25(documents: Sequence[Document], folder: Path, *, k1: float, b: float, language: str) -> None:
    """Index documents, one at a time, into files. Their ids are unique."""
    import numpy as np

    numbering = Numbering(Words(language))
    write_postings((numbering.of(document.as_text()) for document in documents), folder, k1=k1, b=b)
    stems = sorted(numbering.numbers)
    write_strings(stems, folder, "stems")
    numbers = [numbering.numbers[stem] for stem in stems]
    np.save(folder / "numbers.npy", np.asarray(numbers, dtype=np.int32), allow_pickle=False)


def open_bm25(documents: Sequence[Document], folder: Path, *, language: str) -> Bm25Index:
    """The index that `write_bm25` wrote, memory-mapped."""
    import numpy as np

    stems = StoredStrings(folder, "stems")
    numbers = np.load(folder / "numbers.npy", mmap_mode="r", allow_pickle=False)

    def number_of(stem: str) -> int | None:
        place = bisect_left(stems, stem)
        return int(numbers[place]) if place < len(stems) and stems[place] == stem else None

    return Bm25Index(documents, Words(language), number_of, open_postings(folder))


def _check_unique(documents: Sequence[Document]) -> None:
    seen: set[str] = set()
    for document in documents:
        if document.id in seen:
            raise DataError("The knowledge base", f"has two documents with the id {document.id!r}", "Make ids unique.")
        seen.add(document.id)
