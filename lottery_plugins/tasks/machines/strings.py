"""Ability 4, fundamental operations: change a row of letters, one operation after another, exactly. Generated here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.tasks.guesses import arrangements
from lottery_plugins.tasks.knobs import knob, read_knobs
from lottery_plugins.tasks.machines.symbols import CONSONANTS, spaced
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import sequence_score
from lottery_plugins.tasks.solved import SolvedKnobs, make_solved_splits
from lottery_plugins.tasks.splits import Row
from lottery_plugins.tasks.walk import Walk

__all__ = ["StringsKnobs", "build", "make_row", "score"]

Letters = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StringsKnobs(SolvedKnobs):
    """Knobs of the string operations.

    Attributes:
        strings_letters: Letters of the row at the start.
        strings_steps: Operations, one after another.
    """

    strings_letters: tuple[int, ...] = knob((3, 5), 2, 200)
    strings_steps: tuple[int, ...] = knob((1, 2), 1, 100)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(StringsKnobs, "strings", metadata)
    return make_solved_splits("strings", lambda rng, index: make_row(rng, index, knobs), knobs, _guesses)


def make_row(rng: Rng, index: int, knobs: StringsKnobs) -> Row:
    """One document; consecutive ones walk through the first operation, then the steps, then the letters."""
    walk = Walk(index)
    name, first = walk.along(OPERATIONS)
    steps, count = walk.along(knobs.strings_steps), walk.along(knobs.strings_letters)
    row = start = tuple(rng.choice(CONSONANTS) for _ in range(count))
    said = []
    for operation in [first, *(rng.choice(OPERATIONS)[1] for _ in range(steps - 1))]:
        text, row = operation(rng, row)
        said.append(text)
    return {
        "question": f"The list is {' '.join(start)}. {' '.join(said)} What is the list now?",
        "answer": " ".join(row),
        "letters": list(row),
        "length": count,
        "steps": steps,
        "template": name,
    }


def _guesses(rng: Rng, row: Row) -> list[str]:
    """Letters that the question names, as many as are right, in any order."""
    named = re.findall(r"\b[a-z]\b", row["question"])
    return [" ".join(some) for some in arrangements(rng, named, len(row["letters"]))]


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the letters are the gold ones, all of them, in order, and no others; with or without blanks."""
    return {"acc": sequence_score(spaced(results[0], CONSONANTS), doc["letters"], CONSONANTS)}


def _append(rng: Rng, row: Letters) -> tuple[str, Letters]:
    letter = rng.choice(CONSONANTS)
    return f"Add {letter} at the end.", (*row, letter)


def _prepend(rng: Rng, row: Letters) -> tuple[str, Letters]:
    letter = rng.choice(CONSONANTS)
    return f"Put {letter} in front.", (letter, *row)


def _replace(rng: Rng, row: Letters) -> tuple[str, Letters]:
    old = rng.choice(row)
    new = rng.choice([letter for letter in CONSONANTS if letter != old])
    return f"Replace every {old} with {new}.", tuple(new if letter == old else letter for letter in row)


def _drop(rng: Rng, row: Letters) -> tuple[str, Letters]:
    return ("Remove the first letter.", row[1:]) if len(row) > 1 else _append(rng, row)


def _reverse(rng: Rng, row: Letters) -> tuple[str, Letters]:
    return "Reverse it.", row[::-1]


def _rotate(rng: Rng, row: Letters) -> tuple[str, Letters]:
    return "Move the last letter to the front.", (row[-1], *row[:-1])


OPERATIONS: tuple[tuple[str, Callable[[Rng, Letters], tuple[str, Letters]]], ...] = (
    ("append", _append),
    ("drop", _drop),
    ("replace", _replace),
    ("reverse", _reverse),
    ("prepend", _prepend),
    ("rotate", _rotate),
)
