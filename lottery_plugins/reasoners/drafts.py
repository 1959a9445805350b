"""What a draft answer tells about the need to search. Pure functions; any text is allowed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lottery_plugins.documents import Document

__all__ = ["claims", "fused", "is_unsure", "says_yes"]

MAX_CHARS = 4000
"""A longer draft is cut: no query is made of what lies behind."""

_APOSTROPHE = "['\u2019]"
_UNSURE = re.compile(
    rf"\b(?:(?:do(?:es)? not|do(?:es)?n{_APOSTROPHE}?t) (?:know|have|recall|remember)"
    rf"|(?:can ?not|can{_APOSTROPHE}?t|could not|couldn{_APOSTROPHE}?t)"
    r" (?:say|tell|answer|determine|find|recall|provide)"
    r"|not (?:sure|certain|known|clear|aware)|un(?:sure|certain|known|clear|able to)"
    r"|no (?:idea|information|knowledge)|i (?:think|believe|guess|suppose)"
    r"|perhaps|maybe|possibly|probably|likely|might|may (?:be|have))\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_YES = re.compile(r"\W*yes\b", re.IGNORECASE)
_FEW_WORDS = 5
_RANK_CONSTANT = 60


def is_unsure(draft: str) -> bool:
    """Whether a draft is blank, hedges, or says that it does not know."""
    return not any(c.isalnum() for c in draft) or _UNSURE.search(draft[:MAX_CHARS]) is not None


def claims(draft: str, question: str) -> list[str]:
    """The statements of a draft, as search queries: its sentences that do not hedge, in order, none twice.

    One of fewer than five words says too little by itself, so the question stands in front of it.
    """
    sentences = (sentence.strip() for sentence in _SENTENCE_END.split(draft[:MAX_CHARS]))
    stated = [s for s in sentences if any(c.isalnum() for c in s) and not _UNSURE.search(s)]
    return list(dict.fromkeys(s if len(s.split()) >= _FEW_WORDS else f"{question} {s}" for s in stated))


def says_yes(reply: str) -> bool:
    """Whether a reply begins with a yes."""
    return _YES.match(reply) is not None


def fused(rankings: Sequence[Sequence[Document]]) -> list[Document]:
    """Several rankings as one, by reciprocal rank; as long as the longest of them, ties to the first seen.

    Source: Cormack et al. 2009, with their constant of 60.
    """
    scores: dict[str, float] = {}
    documents: dict[str, Document] = {}
    for ranking in rankings:
        for rank, document in enumerate(ranking, 1):
            documents.setdefault(document.id, document)
            scores[document.id] = scores.get(document.id, 0.0) + 1 / (_RANK_CONSTANT + rank)
    best = sorted(scores, key=lambda name: -scores[name])
    return [documents[name] for name in best[: max(map(len, rankings), default=0)]]
