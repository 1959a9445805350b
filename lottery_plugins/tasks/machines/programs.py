"""Ability 4, fundamental operations: programs of WRITE, COPY, MOVE, JUMP and READ on named cells, exactly.

Source: the operations that the Lottery LLM paper (arXiv:2502.17535, ability 4) names. Programs are generated here and
run by the interpreter of this file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.tasks.knobs import knob, read_knobs
from lottery_plugins.tasks.machines.symbols import WORDS
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import names_in, sequence_score
from lottery_plugins.tasks.solved import SolvedKnobs, make_solved_splits
from lottery_plugins.tasks.splits import Row
from lottery_plugins.tasks.walk import Walk

__all__ = ["EMPTY", "Line", "ProgramsKnobs", "build", "execute", "make_row", "score"]

EMPTY = "empty"
CELLS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramsKnobs(SolvedKnobs):
    """Knobs of the programs.

    Attributes:
        programs_steps: Lines that are carried out before the last one, which reads a cell.
        programs_cells: Cells that the program uses.
    """

    programs_steps: tuple[int, ...] = knob((1, 2, 4), 1, 200)
    programs_cells: int = knob(3, 2, len(CELLS))


@dataclass(frozen=True, slots=True)
class Line:
    """One instruction: WRITE word cell, COPY cell cell, MOVE cell cell, JUMP line, or READ cell.

    Attributes:
        name: The instruction.
        first: The word, the cell that is taken from or read, or the number of the next line.
        second: The cell that is written to; "" where there is none.
    """

    name: str
    first: str
    second: str = ""

    def __str__(self) -> str:
        joint = {"WRITE": " INTO ", "COPY": " TO ", "MOVE": " TO "}.get(self.name, "")
        return f"{self.name} {self.first}{joint}{self.second}"


def execute(held: Mapping[str, str], program: Sequence[Line]) -> str:
    """What the first READ that is reached prints.

    Args:
        held: The word in each cell at the start.
        program: Lines, numbered from 1; jumps lead forward, and the last line reads.
    """
    cells = dict(held)
    at = 0
    while program[at].name != "READ":
        line = program[at]
        if line.name == "WRITE":
            cells[line.second] = line.first
        elif line.name in ("COPY", "MOVE"):
            cells[line.second] = cells[line.first]
        if line.name == "MOVE":
            cells[line.first] = EMPTY
        at = int(line.first) - 1 if line.name == "JUMP" else at + 1
    return cells[program[at].first]


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(ProgramsKnobs, "programs", metadata)
    return make_solved_splits("programs", lambda rng, index: make_row(rng, index, knobs), knobs, _guesses)


def make_row(rng: Rng, index: int, knobs: ProgramsKnobs) -> Row:
    """One document; consecutive ones walk through the kinds, then the steps."""
    walk = Walk(index)
    kind, steps = walk.along(KINDS), walk.along(knobs.programs_steps)
    names = CELLS[: knobs.programs_cells]
    held = dict(zip(names, rng.sample(WORDS, len(names)), strict=True))
    program = list(_program(rng, kind, steps, held))
    lines = " ".join(f"{number}: {line}." for number, line in enumerate(program, 1))
    cells = ", ".join(f"{cell} holds {word}" for cell, word in held.items())
    return {
        "question": f"{EXPLAINED} At first {cells}. The program is {lines} Which word does it read?",
        "answer": execute(held, program),
        "steps": steps,
        "cells": len(names),
        "template": kind,
    }


def _guesses(rng: Rng, row: Row) -> list[str]:
    """Any word of the question."""
    return sorted(set(names_in(row["question"], [*WORDS, EMPTY])))


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the word that the program prints is named, and no other word."""
    return {"acc": sequence_score(results[0], [doc["answer"]], [*WORDS, EMPTY])}


def _program(rng: Rng, kind: str, steps: int, held: Mapping[str, str]) -> Iterator[Line]:
    """Lines to be carried out, lines that jumps leave out, and a last one that reads a cell which one of them names."""
    names = list(held)
    touched = list[str]()
    number = 0
    for _ in range(steps):
        name = rng.choice(INSTRUCTIONS) if kind == "mixed" else kind.upper()
        source, target = rng.sample(names, 2)
        touched.append(target)
        number += 1
        if name in ("COPY", "MOVE"):
            yield Line(name, source, target)
            continue
        words = rng.sample([word for word in WORDS if word not in held.values()], 2)
        if name == "JUMP":
            number += 1
            yield Line(name, str(number + 1))
        yield Line("WRITE", words[0], target)
    yield Line("READ", rng.choice(touched))


INSTRUCTIONS = ("WRITE", "COPY", "MOVE", "JUMP")
KINDS = ("write", "copy", "move", "jump", "mixed")
EXPLAINED = (
    "A program works on cells. WRITE puts a word into a cell, COPY puts the word of one cell into another, MOVE does "
    "so and leaves the first one empty, JUMP goes on at the line with that number, READ reads a cell."
)
