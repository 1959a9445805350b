"""Ability 4, fundamental operations: run a finite automaton on an input, exactly. Generated here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from lottery_plugins.tasks.knobs import knob, read_knobs
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import sequence_score
from lottery_plugins.tasks.solved import SolvedKnobs, make_solved_splits
from lottery_plugins.tasks.splits import Row
from lottery_plugins.tasks.walk import Walk
from lottery_plugins.tasks.words import word_list

__all__ = ["STATES", "AutomataKnobs", "build", "make_row", "score"]

STATES = word_list("red blue green yellow black white brown pink gray purple orange silver")
LETTERS = "xyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomataKnobs(SolvedKnobs):
    """Knobs of the automata.

    Attributes:
        automata_states: States of the automaton.
        automata_steps: Letters of the input.
    """

    automata_states: tuple[int, ...] = knob((4, 6), 2, len(STATES))
    automata_steps: tuple[int, ...] = knob((1, 2, 4), 1, 1000)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(AutomataKnobs, "automata", metadata)
    return make_solved_splits("automata", lambda rng, index: make_row(rng, index, knobs), knobs)


def make_row(rng: Rng, index: int, knobs: AutomataKnobs) -> Row:
    """One document; consecutive ones walk through the wordings, then the inputs' lengths, then the states."""
    walk = Walk(index)
    name, rule, asked = walk.along(WORDINGS)
    steps, count = walk.along(knobs.automata_steps), walk.along(knobs.automata_states)
    states, letters = rng.sample(STATES, count), LETTERS[: 1 if count < 4 else 2]
    table = {(state, letter): rng.choice(states) for state in states for letter in letters}
    start, word = rng.choice(states), [rng.choice(letters) for _ in range(steps)]
    end = reduce(lambda state, letter: table[state, letter], word, start)
    rules = " ".join(rule.format(state=s, letter=x, after=after) for (s, x), after in table.items())
    return {
        "question": f"{rules} {asked.format(start=start, word=' then '.join(word))}",
        "answer": end,
        "states": states,
        "size": count,
        "steps": steps,
        "template": name,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the last state is named, and no other."""
    return {"acc": sequence_score(results[0], [doc["answer"]], STATES)}


WORDINGS = (
    ("lamp", "A {state} lamp after {letter} turns {after}.", "A {start} lamp after {word} turns which color?"),
    (
        "room",
        "From the {state} room, door {letter} leads to the {after} room.",
        "From the {start} room, door {word} leads to which room?",
    ),
    ("table", "{state} {letter} -> {after}.", "{start} {word} -> which state?"),
)
