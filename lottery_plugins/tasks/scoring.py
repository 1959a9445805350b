"""Scores of answers: pure functions of the text a model wrote and the gold value.

Every function takes any text whatever, evaluates nothing, never raises, and returns 1.0 or 0.0 (F1: between). What is
read is one span of the text (`answer_span`), and there the first sentence that names a candidate; naming a wrong one
beside the right one scores 0, so that listing everything is not an answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction

__all__ = [
    "after_marker",
    "answer_lines",
    "answer_span",
    "names_in",
    "number_score",
    "numbers",
    "order_score",
    "own_part",
    "plain_words",
    "sequence_score",
    "simplify",
    "value_score",
]

_MARKER = re.compile(
    r"\b(?:answer|result|order)\b(?:[ \t]+(?:to|of|for)[ \t][^.:=\n]{0,80}?)?[ \t]*(?:\bis\b[ \t]*:?|:|=)[ \t]*"
    r"|####[ \t]*|\\boxed\{",
    re.IGNORECASE,
)
_NEXT_PROBLEM = re.compile(r"\S\s*?\n\s*(?:Question|Problem|Text|User|Q)[ \t]*:")
_NUMBER = re.compile(
    r"(?<![0-9A-Za-z_.)\]])(-?(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]{1,60})(?:\.[0-9]{1,60})?)"
    r"(?:[eE]([+-]?[0-9]{1,2})(?![0-9A-Za-z]))?"
)
_BARE_WORDS = 6
_LONGEST_SENTENCE = 40


def simplify(text: str) -> str:
    """Compatible characters folded, Markdown emphasis and typographic quotes dropped; line ends stay."""
    text = unicodedata.normalize("NFKC", text).replace("\u2212", "-").replace("\r", "\n")
    return re.sub(r"[*`\"\u201c\u201d\u2018\u2019]|(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)|\\(?:text|mathrm)\{|\$", "", text)


def after_marker(text: str) -> str | None:
    """What follows the last answer mark ("Answer:", "the answer is", "####", LaTeX's boxed), or None."""
    text = own_part(simplify(text))
    marks = list(_MARKER.finditer(text))
    if not marks:
        return None
    found = marks[-1]
    rest = text[found.end() :]
    return rest.split("}", 1)[0] if found.group().endswith("{") else rest


def answer_span(text: str) -> str:
    """The part of an answer that states the result.

    The line after the last answer mark; without a mark a first line of at most six words; else the whole text.
    A next question that a base model went on to write is cut off first.
    """
    marked = after_marker(text)
    if marked is not None:
        return _first_line(marked)
    text = own_part(simplify(text))
    first = _first_line(text)
    return first if len(first.split()) <= _BARE_WORDS else text.strip()


def numbers(text: str) -> list[Fraction]:
    """All decimal numbers in a text, exact; "1,234.50" is one number, "12-5" is two positive ones."""
    return [Fraction(m[1].replace(",", "")) * Fraction(10) ** int(m[2] or 0) for m in _NUMBER.finditer(text)]


def number_score(text: str, gold: str) -> float:
    """1.0 when the stated number is the gold one within 0.001, the tolerance of PAL's scorer.

    The stated number is the last one of an equation or of unmarked prose, the first one after an answer mark.
    """
    span = answer_span(text)
    found = numbers(span)
    if not found:
        return 0.0
    stated = found[0] if after_marker(text) is not None and "=" not in span else found[-1]
    return float(abs(stated - Fraction(gold)) < Fraction(1, 1000))


def value_score(text: str, accepted: Collection[str], rejected: Iterable[str] = ()) -> float:
    """1.0 when the first sentence that names any candidate names the right one alone, in at most 40 words.

    Read is the answer's span, and, where that names none (it was cut off, say), the whole text.

    Args:
        text: What the model wrote.
        accepted: Spellings of the right value. When one is a number, every other number is a wrong candidate.
        rejected: Wrong candidates; accepted spellings among them are ignored.
    """
    right = {plain_words(value) for value in accepted}
    wrong = {plain_words(value) for value in rejected} - right
    is_number = any(value.isdigit() for value in right)
    for sentence in (*_sentences(answer_span(text)), *_sentences(own_part(simplify(text)))):
        said = plain_words(sentence)
        named_right = any(_names(said, value) for value in right)
        found = set(numbers(sentence)) if is_number else set()
        named_wrong = any(_names(said, value) for value in wrong) or len(found) > named_right
        if named_right or named_wrong:
            return float(named_right and not named_wrong and len(said.split()) <= _LONGEST_SENTENCE)
    return 0.0


def sequence_score(text: str, gold: Sequence[str], alphabet: Collection[str]) -> float:
    """1.0 when the symbols named are the gold sequence exactly; words outside the alphabet are left out.

    A sequence of one symbol is read from the first sentence or line that names any symbol. A longer one is read from
    the span, or, where that is one line of a list, from all lines.
    """
    known = {symbol.casefold() for symbol in alphabet}
    span = answer_span(text)
    parts = _sentences(span) if len(gold) == 1 else [span, answer_lines(text)]
    lists = ([word for word in re.findall(r"\w+", part.casefold()) if word in known] for part in parts)
    found = next((named for named in lists if len(named) > (len(gold) > 1)), [])
    return float(found == [symbol.casefold() for symbol in gold])


def order_score(text: str, items: Sequence[str], before: Iterable[tuple[str, str]]) -> float:
    """1.0 when the answer names each item exactly once, in an order that keeps all (earlier, later) pairs.

    Any valid order counts. Read is what follows the last answer mark, else the whole text, over several lines.
    """
    span = answer_lines(text).casefold()
    known = {item.casefold() for item in items}
    found = [word for word in re.findall(r"\w+", span) if word in known]
    if len(found) != len(known) or set(found) != known:
        return 0.0
    place = {item: i for i, item in enumerate(found)}
    return float(all(place[first.casefold()] < place[second.casefold()] for first, second in before))


def own_part(text: str) -> str:
    """The text up to where a base model begins to write the next problem."""
    found = _NEXT_PROBLEM.search(text)
    return text[: found.start() + 1] if found else text


def answer_lines(text: str) -> str:
    """What follows the last answer mark, else the whole text, over several lines."""
    marked = after_marker(text)
    return own_part(simplify(text)) if marked is None else marked


def names_in(text: str, names: Collection[str]) -> list[str]:
    """The names that a text mentions, in its order, as they are spelt in `names`; in any letter case."""
    known = {name.casefold(): name for name in names}
    return [known[word] for word in re.findall(r"\w+", text.casefold()) if word in known]


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.split("\n") if line.strip()), "")


def plain_words(text: str) -> str:
    """Case-folded words and numbers separated by one blank, with blanks around; thousands commas dropped."""
    text = re.sub(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))", "", simplify(text).casefold())
    return " ".join(re.findall(r"\w+", text))


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?])\s+|\n+", text)


def _names(span: str, value: str) -> bool:
    return bool(value) and f" {value} " in f" {span} "
