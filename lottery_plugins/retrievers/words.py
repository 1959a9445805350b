"""How a text is split into the words that count for `bm25`."""

from __future__ import annotations

import re
import threading
from typing import Any

__all__ = ["LANGUAGES", "Numbering", "Words"]

LANGUAGES = (
    "english", "danish", "dutch", "french", "german", "italian", "norwegian", "portuguese", "russian", "spanish",
    "swedish", "turkish", "none",
)  # fmt: skip
"""Languages with both stop words and a stemmer; "none" takes words as they are, in lower case."""

_WORD = re.compile(r"\w+")
_MOST_REMEMBERED = 1_000_000  # spellings: some 100 MB


class Words:
    """Splits text into stems without stop words. The stemmer has a state of its own, hence the lock."""

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
        return [stem for word in _WORD.findall(text.lower()) if (stem := self.stem(word))]

    def stem(self, word: str) -> str:
        """What a word in lower case counts as; "" for a stop word."""
        if word in self._stop_words:
            return ""
        if self._stemmer is None:
            return word
        with self._lock:
            return str(self._stemmer.stemWord(word))


class Numbering:
    """Gives each stem a number as it is met, from 0. Not for several threads.

    Attributes:
        numbers: Of the stems, in the order of their meeting.
    """

    def __init__(self, words: Words) -> None:
        self.numbers: dict[str, int] = {}
        self._known = _Spellings(words, self.numbers)

    def of(self, text: str) -> list[int]:
        """The numbers of a text's words, repeats included; as many as `Words.of` gives."""
        known = self._known
        return [number for word in _WORD.findall(text.lower()) if (number := known[word]) >= 0]


class _Spellings(dict[str, int]):
    """The number of each spelling, -1 for a stop word: nearly every word of a corpus is one look-up."""

    def __init__(self, words: Words, numbers: dict[str, int]) -> None:
        super().__init__()
        self._words, self._numbers = words, numbers

    def __missing__(self, word: str) -> int:
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        stem = self._words.stem(word)
        number = self._numbers.setdefault(stem, len(self._numbers)) if stem else -1
        self[word] = number
        return number
