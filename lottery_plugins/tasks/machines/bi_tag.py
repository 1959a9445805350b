"""Bi-tag systems, and how the universal Turing machine U_15,2 reads them from its tape.

A bi-tag system rewrites a word with exactly one letter e_j among letters a_i. In front, a letter a_i goes to the end as
it is; a pair e_j a_i is taken away, and its production is put to the end: one or two letters a, then a letter e. With
e_h in front, the system halts.

Source: Neary and Woods 2009, "Four small universal Turing machines", Fundamenta Informaticae 91, definition 2.1 and the
encoding of U_15,2 in tables 2 and 3. That the machine with this encoding does what the system does is tested.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["EXAMPLES", "BiTag", "Letter", "encode"]


@dataclass(frozen=True, slots=True)
class Letter:
    """The letter a_i or e_j; numbers from 1."""

    kind: str
    number: int


@dataclass(frozen=True, slots=True)
class BiTag:
    """A bi-tag system with its first word.

    Attributes:
        passive: How many letters a_1 ... a_q there are.
        active: How many letters e_1 ... e_h there are; e_h halts.
        productions: By (j, i), what e_j a_i becomes: the numbers of one or two letters a, then that of a letter e.
        word: The first word.
    """

    passive: int
    active: int
    productions: Mapping[tuple[int, int], Sequence[int]]
    word: Sequence[Letter]

    def step(self, word: Sequence[Letter]) -> tuple[Letter, ...] | None:
        """The next word; None when the system halts."""
        first, *rest = word
        if first.kind == "a":
            return (*rest, first)
        if first.number == self.active:
            return None
        *added, last = self.productions[first.number, rest[0].number]
        return (*rest[1:], *(Letter("a", number) for number in added), Letter("e", last))


def encode(system: BiTag) -> tuple[str, int]:
    """The tape of U_15,2 that stands for a system and its word, and the place of the head; the first state is u1."""
    active = [
        _production(system, *system.productions[j, i])
        for j in range(system.active - 1, 0, -1)
        for i in range(system.passive, 0, -1)
    ]
    passive = ["cb" * 4 + _output(i) for i in range(system.passive, 0, -1)]
    program = "bbcccb" + "cb".join(active) + "cb" * 2 + ("cb" * 2).join(passive) + "cb" * 3
    return program + "bc" + "".join(_letter(system, letter) for letter in system.word), len(program) + 1


def _letter(system: BiTag, letter: Letter) -> str:
    if letter.kind == "a":
        return "cb" * (8 * letter.number - 5) + "bb"
    return "cb" * _unary(system, letter.number) + ("bb" if letter.number == system.active else "")


def _unary(system: BiTag, number: int) -> int:
    """How often the pair of symbols is repeated that stands for e_j."""
    return 8 * number * system.passive + (3 if number == system.active else 0)


def _production(system: BiTag, *output: int) -> str:
    """A production as the machine reads it, from its end to its beginning."""
    *added, last = output
    start = "cb" * (7 - 2 * len(added))
    if last == system.active:
        start = start[:-4] + "cccb" * 2
    return start + "cc" * _unary(system, last) + "".join(_output(number) for number in reversed(added))


def _output(number: int) -> str:
    return "cccb" * 2 + "cc" * (8 * number - 5)


_A1, _A2, _E1 = Letter("a", 1), Letter("a", 2), Letter("e", 1)
EXAMPLES = (
    BiTag(1, 2, {(1, 1): (1, 2)}, (_E1, _A1)),
    BiTag(2, 2, {(1, 1): (2, 1), (1, 2): (1, 1, 2)}, (_E1, _A1, _A2)),
    BiTag(2, 3, {(1, 1): (2, 2), (1, 2): (1, 2, 1), (2, 1): (1, 1), (2, 2): (2, 3)}, (_E1, _A2, _A1)),
)
"""Small programs, for documents and tests; all halt."""
