"""Ability 4, fundamental operations: READ, COPY, WRITE and MOVE on a tape of cells, exact.

Source: the operations that the Lottery LLM paper (arXiv:2502.17535, ability 4) takes from simulating a Turing machine
with a language model (Schuurmans 2023, arXiv:2301.04589). The tapes are generated here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.tasks.knobs import TaskKnobs, knob, read_knobs
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import names_in, sequence_score
from lottery_plugins.tasks.splits import Row, make_splits
from lottery_plugins.tasks.words import word_list

__all__ = ["SYMBOLS", "OperationsKnobs", "build", "make_row", "score"]

EMPTY = "empty"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SYMBOLS = word_list(
    "apple ball bear bell bird boat book cake cat chair clock coin cow cup desk dog door duck fish flag fork "
    "frog glass goat gold horse key king knife lamp leaf lion moon mouse nest pen piano pig queen ring ship shoe "
    "snake spoon star sun table train tree wolf"
)
"""What may stand in a cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsKnobs(TaskKnobs):
    """Knobs of the operations task.

    Attributes:
        operations_cells: Cells of the tape.
        operations_steps: Instructions that are carried out before the tape is read.
    """

    operations_cells: tuple[int, ...] = knob((4,), 2, len(LETTERS))
    operations_steps: tuple[int, ...] = knob((1, 2), 1, 100)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction in words, the cells it changes, and the tape afterwards."""

    text: str
    touched: tuple[int, ...]
    tape: tuple[str, ...]


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(OperationsKnobs, "operations", metadata)
    return make_splits("operations", lambda rng, index: make_row(rng, index, knobs), knobs)


def make_row(rng: Rng, index: int, knobs: OperationsKnobs) -> Row:
    """One document; consecutive ones walk through the templates, then cells, then steps."""
    round_, template_index = divmod(index, len(TEMPLATES))
    more, cells_index = divmod(round_, len(knobs.operations_cells))
    cells = knobs.operations_cells[cells_index]
    steps = knobs.operations_steps[more % len(knobs.operations_steps)]
    name, template = TEMPLATES[template_index]
    question, answer = template(rng, rng.sample(SYMBOLS, cells), steps)
    return {
        "question": question,
        "answer": " ".join(answer),
        "symbols": list(answer),
        "candidates": [] if name == "repeat" else sorted(set(names_in(question, [*SYMBOLS, EMPTY]))),
        "cells": cells,
        "steps": steps if name in ("write", "copy", "move") else 0,
        "template": name,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the symbols named are the gold ones, all of them, in order, and no others."""
    return {"acc": sequence_score(results[0], doc["symbols"], [*SYMBOLS, EMPTY])}


def _show(tape: Sequence[str]) -> str:
    return " ".join(f"The word in cell {LETTERS[i]} is {symbol}." for i, symbol in enumerate(tape))


def _repeat(rng: Rng, tape: Sequence[str], steps: int) -> tuple[str, Sequence[str]]:
    return f"Question: Repeat this list of words exactly: {' '.join(tape)}", tape


def _read(rng: Rng, tape: Sequence[str], steps: int) -> tuple[str, Sequence[str]]:
    at = rng.below(len(tape))
    return f"{_show(tape)}\n\nQuestion: What is the word in cell {LETTERS[at]}?", [tape[at]]


def _write(rng: Rng, tape: Sequence[str], steps: int) -> tuple[str, Sequence[str]]:
    return _run(rng, tape, steps, _write_one)


def _copy(rng: Rng, tape: Sequence[str], steps: int) -> tuple[str, Sequence[str]]:
    return _run(rng, tape, steps, _copy_one)


def _move(rng: Rng, tape: Sequence[str], steps: int) -> tuple[str, Sequence[str]]:
    return _run(rng, tape, steps, _move_one)


def _run(
    rng: Rng, tape: Sequence[str], steps: int, one: Callable[[Rng, Sequence[str]], Instruction]
) -> tuple[str, Sequence[str]]:
    """Carry out instructions of one kind, then ask for a cell that one of them changed."""
    start, texts, touched = tape, list[str](), set[int]()
    for _ in range(steps):
        done = one(rng, tape)
        tape = done.tape
        texts.append(done.text)
        touched.update(done.touched)
    at = rng.choice(sorted(touched))
    return f"{_show(start)} {' '.join(texts)}\n\nQuestion: What is the word in cell {LETTERS[at]} now?", [tape[at]]


def _put(tape: Sequence[str], *changes: tuple[int, str]) -> tuple[str, ...]:
    cells = list(tape)
    for at, symbol in changes:
        cells[at] = symbol
    return tuple(cells)


def _write_one(rng: Rng, tape: Sequence[str]) -> Instruction:
    at, symbol = rng.below(len(tape)), rng.choice([s for s in SYMBOLS if s not in tape])
    return Instruction(f"Now the word {symbol} is written into cell {LETTERS[at]}.", (at,), _put(tape, (at, symbol)))


def _copy_one(rng: Rng, tape: Sequence[str]) -> Instruction:
    source, target = rng.sample(range(len(tape)), 2)
    return Instruction(
        f"Now the word in cell {LETTERS[source]} is copied into cell {LETTERS[target]}.",
        (target,),
        _put(tape, (target, tape[source])),
    )


def _move_one(rng: Rng, tape: Sequence[str]) -> Instruction:
    full = [i for i, symbol in enumerate(tape) if symbol != EMPTY]
    source = rng.choice(full)
    target = rng.choice([i for i in range(len(tape)) if i != source])
    return Instruction(
        f"Now the word in cell {LETTERS[source]} is moved to cell {LETTERS[target]}, "
        f"and cell {LETTERS[source]} is {EMPTY}.",
        (source, target),
        _put(tape, (target, tape[source]), (source, EMPTY)),
    )


TEMPLATES: tuple[tuple[str, Callable[[Rng, Sequence[str], int], tuple[str, Sequence[str]]]], ...] = (
    ("repeat", _repeat),
    ("read", _read),
    ("write", _write),
    ("copy", _copy),
    ("move", _move),
)
