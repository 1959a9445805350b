"""Scores of answers that name several values, in any order or in one; the rules of `scoring` hold.

Read is what follows the last answer mark if it names as many values as were asked for, else the whole text; and there
the first paragraph that names a candidate. ("1. lemon 2. zebra The answer is: zebra" is how a small model answers.)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from lottery_plugins.tasks.scoring import after_marker, own_part, plain_words, simplify

__all__ = ["NUMBER_WORDS", "list_score", "number_names", "recall_score", "set_score"]

NUMBER_WORDS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)


def set_score(text: str, accepted: Collection[str], rejected: Iterable[str] = ()) -> float:
    """1.0 when all accepted values are named and no other candidate is.

    Args:
        text: What the model wrote.
        accepted: The right values. When they are numbers, every other number of three digits or more is wrong, and
            shorter ones are taken for counts and list marks.
        rejected: Wrong candidates; accepted values among them are ignored.
    """
    return float(set(_named(text, accepted, rejected)) == set(map(plain_words, accepted)))


def list_score(text: str, gold: Sequence[str], rejected: Iterable[str] = ()) -> float:
    """1.0 when the gold values, all different, are named in this order and no other candidate is; see `set_score`."""
    return float(list(dict.fromkeys(_named(text, gold, rejected))) == list(map(plain_words, gold)))


def recall_score(text: str, accepted: Collection[str], rejected: Iterable[str] = ()) -> float:
    """Share of the accepted values that are named; 0.0 when a wrong candidate is; see `set_score`."""
    right = set(map(plain_words, accepted))
    found = set(_named(text, accepted, rejected))
    return len(found) / len(right) if found <= right else 0.0


def number_names(number: int) -> list[str]:
    """A whole number as digits and, up to twelve, as a word."""
    return [str(number), *NUMBER_WORDS[number : number + 1]]


def _named(text: str, accepted: Collection[str], rejected: Iterable[str]) -> list[str]:
    """All candidates in the order in which they are named, as `plain_words` writes them."""
    pattern = _candidates(tuple(accepted), tuple(rejected))
    for span in (after_marker(text) or "", own_part(simplify(text))):
        paragraphs = (pattern.findall(f" {plain_words(part)} ") for part in re.split(r"\n\s*\n", span))
        found = next(filter(None, paragraphs), [])
        if len(set(found)) >= len(set(accepted)):
            break
    return found


@lru_cache(maxsize=16)  # all metrics of a document ask for the same one
def _candidates(accepted: tuple[str, ...], rejected: tuple[str, ...]) -> re.Pattern[str]:
    """Finds every candidate in a text that `plain_words` wrote."""
    known = sorted({plain_words(value) for value in (*accepted, *rejected)} - {""}, key=len, reverse=True)
    kinds = [re.escape(value) for value in known]
    if all(value.isdigit() for value in accepted):
        kinds.append("[0-9]{3,60}")
    return re.compile(f"(?<= )(?:{'|'.join(kinds)})(?= )")
