"""Exact search over a matrix of vectors, in memory or memory-mapped."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lottery_dense.encoder import Encoder
from lottery_plugins.documents import Document, ScoredDocument
from lottery_plugins.retrievers.ranking import best_positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FORMAT", "DenseIndex", "build_dense", "open_dense", "write_dense"]

FORMAT = 1
"""Of the file, and of what is embedded of a document."""

logger = logging.getLogger(__name__)

_EMBEDDED_AT_ONCE = 1024  # documents; decides which share a batch, so it is part of the format
_BLOCK_ROWS = 4096


class DenseIndex:
    """Documents ranked by the cosine between their vector and the query's. Searching is safe from any thread.

    Args:
        documents: The corpus; it may be empty.
        vectors: Unit vectors of float32 or float16, (documents, width).
        encoder: Makes the query's vector.
    """

    def __init__(self, documents: Sequence[Document], vectors: NDArray[Any], encoder: Encoder) -> None:
        self._documents, self._vectors, self._encoder = documents, vectors, encoder

    def search(self, query: str, top_k: int) -> list[ScoredDocument]:
        """The nearest documents, best first, ties in order of the corpus. A blank query finds nothing."""
        if top_k < 1 or not query.strip() or not len(self._documents):
            return []
        scores = inner_products(self._vectors, self._encoder.queries([query])[0])
        best = best_positions(scores, top_k)
        return [ScoredDocument(self._documents[int(i)], float(scores[i])) for i in best]


def inner_products(vectors: NDArray[Any], query: NDArray[Any]) -> NDArray[Any]:
    """One number for each row, float32, (rows). In blocks: of a file little is in memory at a time."""
    import numpy as np

    products = np.empty(len(vectors), dtype=np.float32)
    for begin in range(0, len(vectors), _BLOCK_ROWS):
        block = vectors[begin : begin + _BLOCK_ROWS]
        np.dot(
            _widened(block) if block.dtype == np.float16 else block, query, out=products[begin : begin + _BLOCK_ROWS]
        )
    return products


def _widened(block: NDArray[Any]) -> NDArray[Any]:
    """float16 as float32, exactly; torch does it twice as fast as numpy."""
    import numpy as np
    import torch

    return np.asarray(torch.from_numpy(np.array(block)).float().numpy())


def build_dense(documents: Sequence[Document], encoder: Encoder, dtype: str) -> DenseIndex:
    """Embed documents into memory."""
    import numpy as np

    vectors = np.empty((len(documents), encoder.width), dtype=dtype)
    _fill(vectors, documents, encoder)
    return DenseIndex(documents, vectors, encoder)


def write_dense(documents: Sequence[Document], folder: Path, encoder: Encoder, dtype: str) -> None:
    """Embed documents, some at a time, into a file."""
    import numpy as np

    shape = (len(documents), encoder.width)
    vectors = np.lib.format.open_memmap(folder / "vectors.npy", mode="w+", dtype=dtype, shape=shape)
    _fill(vectors, documents, encoder)
    vectors.flush()


def open_dense(documents: Sequence[Document], folder: Path, encoder: Encoder) -> DenseIndex:
    """The index that `write_dense` wrote, memory-mapped."""
    import numpy as np

    return DenseIndex(documents, np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False), encoder)


def _fill(vectors: NDArray[Any], documents: Sequence[Document], encoder: Encoder) -> None:
    done = 0
    for texts in _texts(documents):
        vectors[done : done + len(texts)] = encoder.passages(texts)
        done += len(texts)
        if done % (16 * _EMBEDDED_AT_ONCE) == 0:
            logger.info("%d of %d documents embedded", done, len(documents))


def _texts(documents: Sequence[Document]) -> Iterator[list[str]]:
    texts = (document.as_text() for document in documents)
    while some := list(islice(texts, _EMBEDDED_AT_ONCE)):
        yield some
