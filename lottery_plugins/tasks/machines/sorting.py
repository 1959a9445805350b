"""Ability 4, fundamental operations: sort a list, or do one step of it, exactly. Generated here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.tasks.guesses import arrangements
from lottery_plugins.tasks.knobs import knob, read_knobs, words_knob
from lottery_plugins.tasks.machines.symbols import WORDS
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import sequence_score
from lottery_plugins.tasks.solved import SolvedKnobs, make_solved_splits
from lottery_plugins.tasks.splits import Row
from lottery_plugins.tasks.walk import Walk

__all__ = ["SortingKnobs", "build", "make_row", "score"]

NUMBERS = range(10, 100)
ITEMS = [*WORDS, *map(str, NUMBERS)]
DIGITS = list(map(str, range(1, len(WORDS) + 1)))


@dataclass(frozen=True, slots=True)
class Kind:
    """What is asked of a list: the question, and the answer as a list of items."""

    name: str
    question: str
    draw: Callable[[Rng, int], list[str]]
    solve: Callable[[list[str]], list[str]]


def _digits(rng: Rng, count: int) -> list[str]:
    """Digits, and larger numbers where there are not enough of them."""
    return [str(number) for number in rng.sample(range(1, max(10, count + 1)), count)]


def _numbers(rng: Rng, count: int) -> list[str]:
    return [str(number) for number in rng.sample(NUMBERS, count)]


def _words(rng: Rng, count: int) -> list[str]:
    """Words with different first letters as far as there are enough letters."""
    by_letter = {word[0]: word for word in rng.shuffled(WORDS)}
    words = rng.sample(list(by_letter.values()), min(count, len(by_letter)))
    return [*words, *rng.sample([word for word in WORDS if word not in words], count - len(words))]


def _ascending(items: list[str]) -> list[str]:
    return sorted(items, key=lambda item: (int(item) if item.isdigit() else 0, item))


KINDS = {
    kind.name: kind
    for kind in (
        Kind("digit", "Which of these digits is the smallest: {items}?", _digits, lambda i: _ascending(i)[:1]),
        Kind("least", "Which of these numbers is the smallest: {items}?", _numbers, lambda i: _ascending(i)[:1]),
        Kind("numbers", "Sort these numbers from the smallest to the largest: {items}.", _numbers, _ascending),
        Kind("first", "Which of these words comes first in a dictionary: {items}?", _words, lambda i: sorted(i)[:1]),
        Kind("words", "Sort these words in alphabetical order: {items}.", _words, _ascending),
        Kind("descending", "Sort from the largest to the smallest: {items}.", _numbers, lambda i: _ascending(i)[::-1]),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SortingKnobs(SolvedKnobs):
    """Knobs of the sorting task.

    Attributes:
        num_solved: Solved examples in each prompt.
        sorting_items: Items of the list.
        sorting_kinds: What is asked of which list.
    """

    num_solved: int = knob(4, 0, 50)
    sorting_items: tuple[int, ...] = knob((4, 6, 8), 2, len(WORDS))
    sorting_kinds: tuple[str, ...] = words_knob(tuple(KINDS), is_graded=True)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(SortingKnobs, "sorting", metadata)
    return make_solved_splits("sorting", lambda rng, index: make_row(rng, index, knobs), knobs, _guesses)


def make_row(rng: Rng, index: int, knobs: SortingKnobs) -> Row:
    """One document; consecutive ones walk through the kinds, then the numbers of items."""
    walk = Walk(index)
    kind, count = KINDS[walk.along(knobs.sorting_kinds)], walk.along(knobs.sorting_items)
    items = kind.draw(rng, count)
    while count > 2 and items == kind.solve(items):  # a list that is sorted already could be copied
        items = rng.shuffled(items)
    answer = kind.solve(items)
    return {
        "question": kind.question.format(items=", ".join(items)),
        "answer": ", ".join(answer),
        "sorted": answer,
        "list": items,
        "items": count,
        "template": kind.name,
    }


def _guesses(rng: Rng, row: Row) -> list[str]:
    """As many items of the list as are asked for, in any order."""
    return [", ".join(some) for some in arrangements(rng, row["list"], len(row["sorted"]))]


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the items named are the gold ones, all of them, in order, and no others."""
    return {"acc": sequence_score(results[0], doc["sorted"], DIGITS if doc["template"] == "digit" else ITEMS)}
