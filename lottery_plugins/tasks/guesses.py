"""What a blind guesser picks from who knows the form of the answer and nothing else: the `candidates` of a document.

All of it where it is little, so that the chance level is exact; else a random part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import permutations, product
from math import perm, prod
from typing import TypeVar

from lottery_plugins.tasks.randomness import Rng

__all__ = ["MOST", "arrangements", "choices"]

T = TypeVar("T")

MOST = 24
"""Most candidates of a document."""


def arrangements(rng: Rng, items: Sequence[T], count: int) -> list[tuple[T, ...]]:
    """The ways to put `count` of the items in an order: all, or `MOST` random ones."""
    return _all_or_some(perm(len(items), count), permutations(items, count), lambda: tuple(rng.sample(items, count)))


def choices(rng: Rng, *axes: Sequence[T]) -> list[tuple[T, ...]]:
    """The ways to choose one item from each axis: all, or `MOST` random ones."""
    return _all_or_some(prod(map(len, axes)), product(*axes), lambda: tuple(map(rng.choice, axes)))


def _all_or_some(number: int, ways: Iterable[tuple[T, ...]], draw: Callable[[], tuple[T, ...]]) -> list[tuple[T, ...]]:
    return list(ways) if number <= MOST else [draw() for _ in range(MOST)]
