"""The index that `bm25` and `prompt` search: our splitting into words, bm25s's scores, our ranking."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Any

from lottery_plugins.documents import Document, ScoredDocument
from lottery_plugins.errors import DataError

__all__ = ["LANGUAGES", "Bm25Index"]

LANGUAGES = (
    "english", "danish", "dutch", "french", "german", "italian", "norwegian", "portuguese", "russian", "spanish",
    "swedish", "turkish", "none",
)  # fmt: skip
"""Languages with both stop words and a stemmer; "none" takes words as they are, in lower case."""

_WORD = re.compile(r"\w+")


class Bm25Index:
    """Documents ranked by BM25. Searching is safe from any thread.

    Args:
        documents: The corpus; it may be empty.
        k1: Saturation of term frequency.
        b: Length normalisation in [0, 1].
        language: One of LANGUAGES.

    Raises:
        DataError: Two documents share an id.
    """

    def __init__(self, documents: Sequence[Document], *, k1: float, b: float, language: str) -> None:
        self._documents = tuple(documents)
        _check_unique(self._documents)
        self._words = _Words(language)
        self._vocabulary: dict[str, int] = {}
        rows = [
            [self._vocabulary.setdefault(word, len(self._vocabulary)) for word in self._words.of(document.as_text())]
            for document in self._documents
        ]
        self._scorer = _scorer(rows, self._vocabulary, k1, b) if self._vocabulary else None

    def search(self, query: str, top_k: int) -> list[ScoredDocument]:
        """The documents that share a word with the query, best first, ties in order of the corpus; at most top_k."""
        import numpy as np

        known = [self._vocabulary[word] for word in self._words.of(query) if word in self._vocabulary]
        if self._scorer is None or not known or top_k < 1:
            return []
        scores = self._scorer.get_scores_from_ids(known)
        found = np.flatnonzero(scores > 0)
        if len(found) > top_k:
            lowest = np.partition(scores[found], -top_k)[-top_k]
            found = found[scores[found] >= lowest]
        best = found[np.argsort(-scores[found], kind="stable")][:top_k]
        return [ScoredDocument(self._documents[i], float(scores[i])) for i in best]


class _Words:
    """Splits text into the words that count. The stemmer has a state of its own, hence the lock."""

    def __init__(self, language: str) -> None:
        self._lock = threading.Lock()
        self._stemmer: Any = None
        self._stop_words: frozenset[str] = frozenset()
        if language != "none":
            import Stemmer
            from bm25s import stopwords

            name = "EN" if language == "english" else language.upper()
            self._stop_words = frozenset(getattr(stopwords, f"STOPWORDS_{name}"))
            self._stemmer = Stemmer.Stemmer(language)

    def of(self, text: str) -> list[str]:
        """The words of a text, repeats included. Half a surrogate pair is no word, and the stemmer can't take it."""
        words = [word for word in _WORD.findall(text.lower()) if word not in self._stop_words]
        if self._stemmer is None:
            return words
        with self._lock:
            stems: list[str] = self._stemmer.stemWords(words)
        return stems


def _scorer(rows: list[list[int]], vocabulary: dict[str, int], k1: float, b: float) -> Any:
    import bm25s

    scorer = bm25s.BM25(k1=k1, b=b, method="lucene", backend="numpy")
    scorer.index((rows, vocabulary), create_empty_token=False, show_progress=False)
    return scorer


def _check_unique(documents: Sequence[Document]) -> None:
    seen: set[str] = set()
    for document in documents:
        if document.id in seen:
            raise DataError("The knowledge base", f"has two documents with the id {document.id!r}", "Make ids unique.")
        seen.add(document.id)
