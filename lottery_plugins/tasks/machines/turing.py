"""Ability 4, fundamental operations: carry out steps of a Turing machine, up to a small universal one.

Source: Schuurmans 2023 (arXiv:2301.04589), who lets a language model with a memory simulate U_15,2 of Neary and Woods;
the Lottery LLM paper (arXiv:2502.17535) takes its fourth ability from there. Tables: see `turing_tables`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import Any

from lottery_plugins.tasks.knobs import knob, read_knobs, words_knob
from lottery_plugins.tasks.machines.bi_tag import EXAMPLES, encode
from lottery_plugins.tasks.machines.symbols import spaced
from lottery_plugins.tasks.machines.turing_tables import MACHINES, Machine
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import answer_span, sequence_score
from lottery_plugins.tasks.solved import SolvedKnobs, make_solved_splits
from lottery_plugins.tasks.splits import Row
from lottery_plugins.tasks.walk import Walk

__all__ = ["Configuration", "TuringKnobs", "build", "make_row", "score", "steps_from"]

QUESTIONS = {
    "rule": "Which rule is the first that fits?",
    "state": "Which state is it in then?",
    "symbol": "Which symbol is under its head then?",
    "tape": "What is on the whole tape then?",
}
_UNIVERSAL_STEPS = 1500
"""A document on the universal machine begins at one of its first so many steps."""
_STRIDE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TuringKnobs(SolvedKnobs):
    """Knobs of the Turing machines.

    Attributes:
        turing_machines: Which machines, by their place in the table of the README.
        turing_steps: Steps to be carried out.
        turing_cells: Cells of the tape that are shown at the start, about.
        turing_questions: What is asked.
    """

    turing_machines: tuple[int, ...] = knob((1, 3, 5), 1, len(MACHINES))
    turing_steps: tuple[int, ...] = knob((1, 2, 4), 1, 1000)
    turing_cells: int = knob(7, 2, 60)
    turing_questions: tuple[str, ...] = words_knob(tuple(QUESTIONS), is_graded=True)


@dataclass(frozen=True, slots=True)
class Configuration:
    """A machine at one moment: its state, the place of its head, and what is or was written on the tape, by place."""

    state: str
    head: int
    tape: Mapping[int, str]


def steps_from(machine: Machine, start: Configuration) -> Iterator[Configuration]:
    """The configurations after 0, 1, 2 ... steps, until the machine halts.

    All share one tape that goes on changing: keep a copy of what you want to keep.
    """
    tape = dict(start.tape)
    state, head = start.state, start.head
    while True:
        yield Configuration(state, head, tape)
        rule = machine.rules.get((state, tape.get(head, machine.blank)))
        if rule is None:
            return
        tape[head] = rule.write
        state, head = rule.state, head + rule.move


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(TuringKnobs, "turing", metadata)
    return make_solved_splits("turing", lambda rng, index: make_row(rng, index, knobs), knobs, _guesses)


def make_row(rng: Rng, index: int, knobs: TuringKnobs) -> Row:
    """One document; consecutive ones walk through what is asked, then the steps, then the machines."""
    walk = Walk(index)
    asked = walk.along(knobs.turing_questions)
    steps, machine = walk.along(knobs.turing_steps), MACHINES[walk.along(knobs.turing_machines) - 1]
    start, end = _run(rng, machine, steps, knobs.turing_cells, is_tape_asked=asked == "tape")
    read, tape = start.tape.get(start.head, machine.blank), _shown(machine, start, end.tape)
    tape[start.head - min(end.tape)] = f"[{read}]"
    rules = {key: f"{' '.join(key)}: {r.write} {_MOVES[r.move]} {r.state}" for key, r in machine.rules.items()}
    answer = {
        "rule": rules[start.state, read],
        "state": end.state,
        "symbol": end.tape.get(end.head, machine.blank),
        "tape": " ".join(_shown(machine, end, end.tape)),
    }[asked]
    return {
        "question": (
            "Rules of a Turing machine (state, symbol read: symbol written, move, next state): "
            f"{'. '.join(rules.values())}. The tape is {' '.join(tape)} with the head at the brackets. It does "
            f"{'one step' if steps == 1 else f'{steps} steps'}, or less if no rule fits. {QUESTIONS[asked]} "
            f"State and symbol are at first {start.state} {read}."
        ),
        "answer": answer,
        "symbols": answer.replace(":", "").split(),
        "states": list(machine.states),
        "tape_symbols": list(machine.symbols),
        "machine": machine.name,
        "steps": steps,
        "template": asked,
    }


def _guesses(rng: Rng, row: Row) -> list[str]:
    """Any rule, state or symbol of the machine; a whole tape is not guessed."""
    rules = re.findall(r"\w+ \w: \w (?:left|right) \w+", row["question"])
    known = {"rule": rules, "state": row["states"], "symbol": row["tape_symbols"]}
    return list(known.get(row["template"], ()))


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the rule, the state, the symbol or the tape is the gold one, exactly; of several rules, the first."""
    alphabet = {"rule": [*SYMBOLS, *_MOVES.values(), *STATES], "state": STATES}.get(doc["template"], SYMBOLS)
    text = answer_span(results[0]).split(". ")[0] if doc["template"] == "rule" else results[0]
    return {"acc": sequence_score(spaced(text, alphabet), doc["symbols"], alphabet)}


def _run(rng: Rng, machine: Machine, steps: int, width: int, *, is_tape_asked: bool) -> Sequence[Configuration]:
    """Start and end of a run of so many steps, or fewer to a halt; one that changes the tape if that is asked for.

    The end's tape has all cells that were shown or visited.
    """
    while True:
        start = _universal_start(rng, width) if machine is MACHINES[-1] else _random_start(rng, machine, width)
        *_, end = islice(steps_from(machine, start), steps + 1)
        end = replace(end, tape={end.head: machine.blank, **end.tape})
        changed = any(symbol != start.tape.get(cell, machine.blank) for cell, symbol in end.tape.items())
        if changed or not is_tape_asked:
            return [start, end]


def _shown(machine: Machine, at: Configuration, cells: Collection[int]) -> list[str]:
    """The symbols of the given cells and all between them."""
    return [at.tape.get(cell, machine.blank) for cell in range(min(cells), max(cells) + 1)]


def _random_start(rng: Rng, machine: Machine, width: int) -> Configuration:
    tape = {cell: rng.choice(machine.symbols) for cell in range(width)}
    state, _ = rng.choice(list(machine.rules))
    return Configuration(state, rng.below(width), tape)


def _universal_start(rng: Rng, width: int) -> Configuration:
    """A moment of the universal machine at work on one of the example programs; a window around its head."""
    machine = MACHINES[-1]
    seen, steps = _snapshots(rng.below(len(EXAMPLES))), rng.below(_UNIVERSAL_STEPS)
    at = next(islice(steps_from(machine, seen[steps // _STRIDE]), steps % _STRIDE, None))
    low = at.head - rng.below(width)
    return Configuration(at.state, at.head, {c: at.tape.get(c, machine.blank) for c in range(low, low + width)})


@cache
def _snapshots(example: int) -> list[Configuration]:
    """Every `_STRIDE`-th moment of the universal machine at work on an example: none is far from one of them."""
    tape, head = encode(EXAMPLES[example])
    begin = Configuration(MACHINES[-1].start, head, dict(enumerate(tape)))
    moments = islice(steps_from(MACHINES[-1], begin), 0, _UNIVERSAL_STEPS, _STRIDE)
    return [replace(at, tape=dict(at.tape)) for at in moments]


STATES = sorted({state for machine in MACHINES for state in machine.states})
SYMBOLS = sorted({symbol for machine in MACHINES for symbol in machine.symbols})
_MOVES = {1: "right", -1: "left"}
