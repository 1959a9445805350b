"""Which of several answers most of them mean. Pure functions; any text is allowed."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from lottery_plugins.reasoning.answers import final_answer

__all__ = ["meaning", "vote"]

MAX_CHARS = 2000
"""An answer is told from another by at most this many characters; nothing that is voted on is longer."""

_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]{1,60})(?:\.[0-9]{1,60})?|\.[0-9]{1,60}"
_QUANTITY = re.compile(
    rf"(?P<sign>[-+]?)\s*(?P<coin>[$€£¥]?)\s*(?P<back>[-+]?)(?P<number>{_DIGITS})(?:\s*/\s*(?P<below>[0-9]{{1,60}}))?"
    r"(?P<unit>[^0-9]*)"
)
_UNIT = re.compile(r"(?:\s*%)?(?:\s+[a-z][^\sA-Z]*)*[\s.!]*")
_NUMBER = re.compile(_DIGITS)
_ARTICLES = frozenset({"a", "an", "the"})


def vote(answers: Sequence[str]) -> str:
    """The answer that most of the given ones mean, in the spelling that most of these have; ties to the first seen.

    Blank answers have no vote; "" when there is no other. What is compared is `meaning`, so "$1,200.00" and
    "1200 dollars" vote for the same.
    """
    spellings: dict[str, list[str]] = {}
    for answer in answers:
        if answer.strip():
            spellings.setdefault(meaning(answer), []).append(answer)
    if not spellings:
        return ""
    most = max(spellings.values(), key=len)  # max keeps the first of equals, and dicts keep the order of insertion
    return Counter(most).most_common(1)[0][0]


def meaning(answer: str) -> str:
    """What two texts with the same final answer have in common.

    A number, with or without a unit in lower-case words, is its exact value: "0.5", ".50", "1/2", "$0.5" and
    "1/2 cups" are one. Anything else is its words: case, articles and punctuation do not count, numbers among them are
    compared as numbers. "5 km" and "5 miles" are taken for the same, "5 May" and "5 June" are not.
    """
    text = unicodedata.normalize("NFKC", final_answer(answer)[-MAX_CHARS:]).replace("\u2212", "-").strip()
    found = _QUANTITY.fullmatch(text)
    if found and _UNIT.fullmatch(found["unit"]):
        value = _value(found["number"])
        below = Fraction(found["below"] or 1)
        if below:
            sign = -1 if "-" in found["sign"] + found["back"] else 1
            return str(sign * value / below)
    exact = _NUMBER.sub(lambda number: str(_value(number.group())), text.casefold())
    words = [word for word in re.findall(r"[\w/+<>=*^-]+", exact) if word not in _ARTICLES]
    return " ".join(words) or text


def _value(digits: str) -> Fraction:
    """The exact value of a decimal number."""
    return Fraction(digits.replace(",", ""))
