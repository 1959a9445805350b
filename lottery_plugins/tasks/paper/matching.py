"""Whether an accepted answer stands in a text, and how much of it: what the scorers of questions share.

Source: the normalisation, exact match and F1 follow the official evaluation script of SQuAD (arXiv:1606.05250).
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Collection, Sequence

__all__ = ["answer_scores", "is_named", "normalize"]

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def normalize(text: str) -> str:
    """Lower case, without punctuation, articles and surplus blanks."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def is_named(said: str, gold: str) -> bool:
    """Whether one normalised text stands in another as whole words; an empty one stands nowhere."""
    return bool(gold) and f" {gold} " in f" {said} "


def answer_scores(text: str, answers: Collection[str]) -> dict[str, float]:
    """`acc`: an accepted answer occurs as whole words; also exact match and F1, best over answers; normalised."""
    said = normalize(text)
    golds = [gold for gold in map(normalize, answers) if gold]
    return {
        "acc": float(any(is_named(said, gold) for gold in golds)),
        "exact_match": float(said in golds),
        "f1": max((_f1(said.split(), gold.split()) for gold in golds), default=0.0),
    }


def _f1(said: Sequence[str], gold: Sequence[str]) -> float:
    shared = sum((Counter(said) & Counter(gold)).values())
    return 2 * shared / (len(said) + len(gold)) if shared else 0.0
