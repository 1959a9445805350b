"""Hypothesis strategies for what plugins are given: documents, queries, and what a model may write."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import strategies as st

from lottery_plugins.documents import Document

__all__ = [
    "ECHO",
    "contexts",
    "corpora",
    "documents",
    "hostile_text",
    "model_text",
    "queries",
    "tool_arguments",
]

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


ECHO = "<the end of the prompt>"
"""Stands in a `hostile_text` for what the prompt ends with: a model that parrots, so also a method's own form."""

_REPLY_PIECES = (
    "Thought: I should", "\nAction: python[", "Action: calculator[2 + 3]", "\nAction:", "Action Input: {", "Finish[",
    "search[Lumen Bridge]", "<tool_call>", '{"name": "python", "arguments": {"code": "print(1)"}}', "</tool_call>",
    '{"name": "search", "arguments": "{", "arguments": [', '[{"function": {"name": ["recall"]}}]', "remember[:]",
    "```python\n", "```", "print(", "answer = 2 + 3", "\\boxed{", "}", "#### 5", "The answer is", "Answer:", "{", "]",
    "\n", "\n\n", "\nObservation: 5", "\nQuestion:", "\nIntermediate answer:", "</s>", "<|im_end|>", "\x00", "\ud800",
    "\udfff", "1.", "Yes", "No", "1. First,", "score: 0.5", "score: 99999", "nan", "-1e999", "{0}", "{question}", "%s",
    "\nFollow up: How long is the Lumen Bridge?", "\nFollow up: How long is it?", "So the final answer is:",
    "Final Answer: 5", "\nFinal Answer:", "Part 1 depends on part 2. Part 2 depends on part 1.", "2 <- 1, 1 <- 2",
    "I do not know.", ECHO,
)  # fmt: skip


def hostile_text() -> st.SearchStrategy[str]:
    """Replies that break a careless reader of a model's output.

    Nothing, blanks, far too much, brackets that never close, things that look like calls, half surrogate pairs, stop
    strings, answers upon answers, places of a format string, questions that lead in circles, and the prompt itself.
    """
    piece = st.one_of(st.sampled_from(_REPLY_PIECES), st.text(max_size=12))
    much = st.builds(lambda text, times: text * times, st.sampled_from(_REPLY_PIECES), st.integers(2, 2000))
    deep = st.sampled_from(("{", "[", "(", "[{", "**", "9")).map(lambda text: text * 1500)
    return st.one_of(
        st.sampled_from(("", " \n\t\n", ECHO, "5 \ud800", "{question} {0} {")),
        st.lists(piece, max_size=8).map("".join),
        deep,
        st.builds(lambda before, text, after: before + text[:5_000] + after, piece, much, piece),
    )


def _words() -> st.SearchStrategy[str]:
    return st.sampled_from(_WORDS)


def model_text(max_size: int = 200) -> st.SearchStrategy[str]:
    """Anything a language model may write: fragments of calls and code, any Unicode, half surrogate pairs."""
    pieces = st.one_of(st.sampled_from(_FRAGMENTS), st.text(max_size=20), st.text(string.printable, max_size=20))
    return st.lists(pieces, max_size=12).map(lambda parts: "".join(parts)[:max_size])


def queries() -> st.SearchStrategy[str]:
    """Search queries: known words, nothing, or anything at all."""
    return st.one_of(st.lists(_words(), max_size=6).map(" ".join), model_text())


def _titles_and_texts() -> st.SearchStrategy[tuple[str, str]]:
    """A title, which may be empty, and a text, which may be empty or hold no word."""
    text = st.one_of(st.lists(_words(), max_size=12).map(" ".join), model_text())
    return st.tuples(st.one_of(st.just(""), _words()), text)


def documents(id: str) -> st.SearchStrategy[Document]:  # noqa: A002 - the field's name
    """A document with this id; its text may be empty or hold no word."""
    return _titles_and_texts().map(lambda pair: Document(id=id, title=pair[0], text=pair[1]))


def corpora(max_size: int = 12) -> st.SearchStrategy[tuple[Document, ...]]:
    """Knowledge bases with unique ids, down to the empty one; the same text may come twice."""
    pairs = st.lists(_titles_and_texts(), max_size=max_size)
    return pairs.map(lambda drawn: tuple(Document(f"d{i}", text, title) for i, (title, text) in enumerate(drawn)))


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
