"""Which documents each word is in, and what it adds to their scores: BM25, worked out beforehand.

Made in blocks of documents, so that arrays far larger than memory can be written: pass one counts the words of each
block, pass two puts the counts, by then as scores, in their places.
"""

from __future__ import annotations

import math
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Arrays", "FolderArrays", "Postings", "build_postings", "open_postings", "write_postings"]

_BLOCK_WORDS = 2_000_000
_NAMES = ("starts", "documents", "scores")


@dataclass(frozen=True, slots=True)
class Postings:
    """Word w is in documents[starts[w] : starts[w + 1]], in rising order, with scores of the same places.

    Attributes:
        num_documents: Of the corpus, those without words included.
        starts: int64, (words + 1).
        documents: int32, (postings).
        scores: float32, (postings), above 0.
    """

    num_documents: int
    starts: NDArray[Any]
    documents: NDArray[Any]
    scores: NDArray[Any]

    def total(self, words: Sequence[int]) -> NDArray[Any]:
        """The score of every document for a query's words, repeats counted. float32, (num_documents)."""
        import numpy as np

        totals = np.zeros(self.num_documents, dtype=np.float32)
        for word in words:
            place = slice(int(self.starts[word]), int(self.starts[word + 1]))
            np.add.at(totals, self.documents[place], self.scores[place])
        return totals


class Arrays:
    """Where arrays are while they are made: in memory."""

    def new(self, name: str, size: int, dtype: Any) -> NDArray[Any]:
        """An array to be filled; `name` may come once."""
        import numpy as np

        return np.empty(size, dtype=dtype)

    def set_aside(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        """An array that is read later, in parts."""
        return values


class FolderArrays(Arrays):
    """In a folder, memory-mapped; what is set aside in another one."""

    def __init__(self, folder: Path, aside: Path) -> None:
        self._folder, self._aside = folder, aside

    def new(self, name: str, size: int, dtype: Any) -> NDArray[Any]:
        """A file of the folder."""
        import numpy as np

        return np.lib.format.open_memmap(self._folder / f"{name}.npy", mode="w+", dtype=dtype, shape=(size,))

    def set_aside(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        """A file of the other folder."""
        import numpy as np

        path = self._aside / f"{name}.npy"
        np.save(path, values, allow_pickle=False)
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def build_postings(rows: Iterable[Sequence[int]], *, k1: float, b: float, arrays: Arrays) -> Postings:
    """Score each word of each document.

    Args:
        rows: The word numbers of each document, repeats included. Every number below the highest occurs.
        k1: Saturation of term frequency.
        b: Length normalisation in [0, 1].
        arrays: Takes the result and what is needed on the way to it.

    Source: Robertson et al. 1994 in Lucene's form, rounded as bm25s does (Lù 2024, arXiv:2407.03618).
    """
    import numpy as np

    lengths = array("i")
    blocks = [arrays.set_aside(f"block-{i}", block) for i, block in enumerate(_counted_blocks(rows, lengths))]
    frequencies = _document_frequencies(blocks)
    words_of = np.asarray(lengths, dtype=np.int32)
    mean_length = words_of.mean() if words_of.any() else 1.0
    length_norms = k1 * ((1 - b) + b * words_of / mean_length)
    weights = _inverse_frequencies(frequencies, len(words_of))
    starts = arrays.new("starts", len(frequencies) + 1, np.int64)
    starts[0] = 0
    np.cumsum(frequencies, out=starts[1:])
    documents = arrays.new("documents", int(starts[-1]), np.int32)
    scores = arrays.new("scores", int(starts[-1]), np.float32)
    free = np.array(starts[:-1])  # the next free place of each word
    for words, members, counts in blocks:
        firsts = np.flatnonzero(np.diff(words, prepend=-1))  # where the run of each word begins
        runs = np.diff(firsts, append=len(words))
        places = np.arange(len(words)) + np.repeat(free[words[firsts]] - firsts, runs)
        documents[places] = members
        times = counts.astype(np.float32)
        scores[places] = weights[words] * (times / (length_norms[members] + times))
        free[words[firsts]] += runs
    return Postings(len(words_of), starts, documents, scores)


def write_postings(rows: Iterable[Sequence[int]], folder: Path, *, k1: float, b: float) -> None:
    """Build them in a folder, holding a block of them and a few bytes for each document and word in memory."""
    import numpy as np

    with tempfile.TemporaryDirectory(dir=folder) as aside:
        postings = build_postings(rows, k1=k1, b=b, arrays=FolderArrays(folder, Path(aside)))
    for values in (postings.starts, postings.documents, postings.scores):
        values.flush()  # type: ignore[attr-defined]
    np.save(folder / "num_documents.npy", np.int64(postings.num_documents), allow_pickle=False)


def open_postings(folder: Path) -> Postings:
    """Those that `write_postings` wrote, memory-mapped."""
    import numpy as np

    num_documents = int(np.load(folder / "num_documents.npy", allow_pickle=False))
    mapped = (np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _NAMES)
    return Postings(num_documents, *map(np.asarray, mapped))


def _counted_blocks(rows: Iterable[Sequence[int]], lengths: array[int]) -> Iterator[NDArray[Any]]:
    """Blocks of int32 (3, postings): word, document, count; sorted by word, then by document. Fills in the lengths."""
    words, first = array("i"), 0
    for row in rows:
        words.extend(row)
        lengths.append(len(row))
        if len(words) >= _BLOCK_WORDS:
            yield _counted(words, lengths[first:], first)
            words, first = array("i"), len(lengths)
    if words:
        yield _counted(words, lengths[first:], first)


def _counted(words: array[int], lengths: array[int], first: int) -> NDArray[Any]:
    """One block; `first` is the position of its first document in the corpus."""
    import numpy as np

    owners = np.repeat(np.arange(len(lengths)), lengths)
    keys, counts = np.unique(np.asarray(words, dtype=np.int64) * len(lengths) + owners, return_counts=True)
    return np.stack([keys // len(lengths), keys % len(lengths) + first, counts]).astype(np.int32)


def _document_frequencies(blocks: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """How many documents each word is in. int64, (words)."""
    import numpy as np

    num_words = max((int(words[-1]) + 1 for words, _, _ in blocks), default=0)
    frequencies = np.zeros(num_words, dtype=np.int64)
    for words, _, _ in blocks:
        frequencies += np.bincount(words, minlength=num_words)
    return frequencies


def _inverse_frequencies(frequencies: NDArray[Any], num_documents: int) -> NDArray[Any]:
    """The weight of each word. float32, (words)."""
    import numpy as np

    distinct, where = np.unique(frequencies, return_inverse=True)
    weights = [math.log(1 + (num_documents - n + 0.5) / (n + 0.5)) for n in distinct.tolist()]
    return np.asarray(weights, dtype=np.float32)[where]
