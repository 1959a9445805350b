"""Read a yes or no, a rating or a choice out of what a model wrote. Pure functions; any text is allowed."""

from __future__ import annotations

import re

__all__ = ["parse_choice", "parse_rating", "says_yes"]

MAX_CHARS = 2000
"""What a model wrote beyond this is not looked at."""

_YES_OR_NO = re.compile(r"\b(yes|yeah|yep|true|no|not|nope|none|never|false)\b", re.IGNORECASE)
_VERDICT = re.compile(
    r"\b(sure|certain|certainly|likely|maybe|possible|unlikely|impossible|unsure|wrong)\b", re.IGNORECASE
)
_VALUES = {
    "sure": 1.0, "certain": 1.0, "certainly": 1.0, "likely": 0.7, "maybe": 0.5, "possible": 0.5, "unsure": 0.3,
    "unlikely": 0.2, "impossible": 0.0, "wrong": 0.0,
}  # fmt: skip
_RATING = re.compile(
    r"(?P<minus>-[ \t]*)?(?P<number>[0-9]{1,6}(?:\.[0-9]{1,6})?)[ \t]*"
    r"(?:(?:/|out of|of)[ \t]*(?P<top>[0-9]{1,6})|(?P<percent>%))?"
)
_CHOICE = re.compile(r"(?<![0-9.])([0-9]{1,3})(?![0-9]|\.[0-9])")


def says_yes(text: str) -> bool:
    """Whether the first word of agreement or refusal is one of agreement. A text without one says no."""
    found = _YES_OR_NO.search(text[:MAX_CHARS])
    return found is not None and found[1].lower() in ("yes", "yeah", "yep", "true")


def parse_rating(text: str) -> float:
    """The rating in a text, in [0, 1]; 0 without one: what can't be rated is not worth following.

    Read are "7/10", "7 out of 10", "70%", "0.7", a whole number on a scale to 10 (to 100 when it is above 10), and
    the words sure, likely, unlikely, impossible and the like. What comes first counts.
    """
    text = text[:MAX_CHARS]
    number, word = _RATING.search(text), _VERDICT.search(text)
    if word is not None and (number is None or word.start() < number.start()):
        return _VALUES[word[1].lower()]
    if number is None or number["minus"]:
        return 0.0
    value = float(number["number"])
    if number["percent"]:
        top = 100.0
    elif number["top"]:
        top = float(number["top"])
    else:
        top = 1.0 if "." in number["number"] and value <= 1 else 10.0 if value <= 10 else 100.0
    return min(1.0, value / top) if top else 0.0


def parse_choice(text: str, count: int) -> int | None:
    """The index, from 0, of the first number from 1 to `count` in a text; None without one."""
    numbers = (int(found) for found in _CHOICE.findall(text[:MAX_CHARS]))
    return next((number - 1 for number in numbers if 1 <= number <= count), None)
