"""Ability 4, fundamental operations: run a finite automaton on an input, exactly. Generated here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from lottery_plugins.tasks.knobs import knob, read_knobs
from lottery_plugins.tasks.machines.symbols import WORDS
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import answer_lines, sequence_score
from lottery_plugins.tasks.solved import SolvedKnobs, make_solved_splits
from lottery_plugins.tasks.splits import Row
from lottery_plugins.tasks.walk import Walk

__all__ = ["STATES", "AutomataKnobs", "build", "make_row", "score"]

STATES = WORDS
LETTERS = "xyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomataKnobs(SolvedKnobs):
    """Knobs of the automata.

    Attributes:
        num_solved: Solved examples in each prompt.
        automata_states: States of the automaton.
        automata_steps: Letters of the input.
    """

    num_solved: int = knob(4, 0, 50)
    automata_states: tuple[int, ...] = knob((4, 5, 6), 2, 12)
    automata_steps: tuple[int, ...] = knob((1, 2, 4), 1, 1000)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(AutomataKnobs, "automata", metadata)
    return make_solved_splits("automata", lambda rng, index: make_row(rng, index, knobs), knobs, _guesses)


def make_row(rng: Rng, index: int, knobs: AutomataKnobs) -> Row:
    """One document; consecutive ones walk through the wordings, then the inputs' lengths, then the states."""
    walk = Walk(index)
    name, needs, joint = walk.along(WORDINGS)
    steps, count = walk.along(knobs.automata_steps), walk.along(knobs.automata_states)
    states, letters = rng.sample(STATES, count), LETTERS[: 1 if count < 5 else 2]
    table = {(state, letter): rng.choice(states) for state in states for letter in letters}
    told = {(s, x): f"{needs.format(state=s, letter=x)}{joint}{after}" for (s, x), after in table.items()}
    start, word = rng.choice(states), [rng.choice(letters) for _ in range(steps)]
    path = list(accumulate(word, lambda state, letter: table[state, letter], initial=start))
    asked = needs.format(state=start, letter=" ".join(word))
    return {
        "question": f"{'. '.join(told.values())}. Name the rule for each letter in turn, of {asked}.",
        "answer": ". ".join(told[at] for at in zip(path, word, strict=False)),
        "path": path,
        "states": states,
        "size": count,
        "steps": steps,
        "template": name,
    }


def _guesses(rng: Rng, row: Row) -> list[str]:
    """Any state."""
    return list(row["states"])


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the last state is named alone, or each in turn, or what each rule leads from and to.

    Read is the whole text, and as many sentences as there are steps.
    """
    path = doc["path"]
    rules = [state for rule in pairwise(path) for state in rule]
    first = ". ".join(answer_lines(results[0]).strip().split(". ")[: doc["steps"]])
    runs = path[-1:], path[1:], path, rules
    return {"acc": max(sequence_score(text, run, STATES) for text in (results[0], first) for run in runs)}


WORDINGS = (
    ("turns", "{state} after {letter}", " turns into "),
    ("leads", "{state} with {letter}", " leads to "),
    ("table", "{state} {letter}", ": "),
)
"""Names, and how a rule is told: what it needs, and what joins that to the next state."""
