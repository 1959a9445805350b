"""Hypothesis strategies for what plugins are given: documents, queries, and what a model may write."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import strategies as st

from lottery_plugins.documents import Document

__all__ = ["contexts", "corpora", "documents", "model_text", "queries", "tool_arguments"]

_WORDS = (
    "river",
    "rivers",
    "town",
    "bridge",
    "bridges",
    "mayor",
    "Anna",
    "Łódź",
    "1973",
    "7",
    "the",
    "of",
    "不在",
    "e-mail",
)

_FRAGMENTS = (
    "Action: calculator[2 +* 3]", "Final Answer: 42", "```python\nprint(1)\n```", "```", "<tool_call>", "</s>",
    '{"name": "x", "arguments": {', "9**9**9", "1,234.5", "2 \u00f7 3 \u00d7 4", "((((", "]]]]", "\\frac{1}{2}",
    "20% of 50", "0x10", "max(1,2", "import os", "while True: pass", "'a' * 10**10", "\x00", "\ud800", "\u202e",
    "\uff21", "\u0663", "\r\n",
)  # fmt: skip


def _words() -> st.SearchStrategy[str]:
    return st.sampled_from(_WORDS)


def model_text(max_size: int = 200) -> st.SearchStrategy[str]:
    """Anything a language model may write: fragments of calls and code, any Unicode, half surrogate pairs."""
    pieces = st.one_of(st.sampled_from(_FRAGMENTS), st.text(max_size=20), st.text(string.printable, max_size=20))
    return st.lists(pieces, max_size=12).map(lambda parts: "".join(parts)[:max_size])


def queries() -> st.SearchStrategy[str]:
    """Search queries: known words, nothing, or anything at all."""
    return st.one_of(st.lists(_words(), max_size=6).map(" ".join), model_text())


def documents(id: str) -> st.SearchStrategy[Document]:  # noqa: A002 - the field's name
    """A document with this id; its text may be empty or hold no word."""
    text = st.one_of(st.lists(_words(), max_size=12).map(" ".join), model_text())
    return st.builds(Document, id=st.just(id), text=text, title=st.one_of(st.just(""), _words()))


def corpora(max_size: int = 12) -> st.SearchStrategy[tuple[Document, ...]]:
    """Knowledge bases with unique ids, down to the empty one; the same text may come twice."""
    sizes = st.integers(0, max_size)
    return sizes.flatmap(lambda n: st.tuples(*(documents(f"d{i}") for i in range(n))))


def contexts(max_words: int = 120) -> st.SearchStrategy[str]:
    """Long texts: words, sentences, paragraphs, and stretches without any punctuation or space."""
    ends = st.sampled_from((" ", " ", " ", ". ", "! ", '." ', "\n", "\n\n", "  ", "\t", ""))
    word = st.one_of(_words(), st.text(max_size=8))
    pairs = st.lists(st.tuples(word, ends), max_size=max_words)
    return pairs.map(lambda parts: "".join(w + end for w, end in parts))


def tool_arguments(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments as a model writes them: a parameter may be missing, of any JSON type, or unknown."""
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | model_text()
    values = st.recursive(
        scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=5), v, max_size=3)
    )
    return st.dictionaries(st.one_of(st.sampled_from([*names, "input", ""]), st.text(max_size=5)), values, max_size=3)
