"""Solved examples in the prompt, of the same kind and difficulty as the problem: they show what is asked and how.

So a small model is not measured by whether it guesses the form of an answer, and no `--num_fewshot` is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.tasks.knobs import TaskKnobs, knob
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.splits import Row, make_splits

__all__ = ["SolvedKnobs", "make_solved_splits"]

_ROUNDS = 1 << 20
"""Far more than it takes to walk through a grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SolvedKnobs(TaskKnobs):
    """Knobs of every task whose prompts begin with solved examples.

    Attributes:
        num_solved: Solved examples in each prompt.
    """

    num_solved: int = knob(2, 0, 50)


def make_solved_splits(
    family: str,
    make: Callable[[Rng, int], Row],
    knobs: SolvedKnobs,
    guess: Callable[[Rng, Row], Sequence[str]],
    shown: str = "Question: {question}\nAnswer: {answer}\n\n",
    kinds: int = 0,
) -> dict[str, Any]:
    """The splits for lm-eval, as `make_splits` gives them, with two fields more.

    `examples` is what the prompt begins with; `candidates` is what a blind guesser picks from.

    Args:
        family: Name of the generator; part of every seed.
        make: One document from its random stream and index; the index alone decides on kind and difficulty.
        knobs: How many documents and examples, from which seed.
        guess: Gives a document's candidates; see `guesses`.
        shown: How an example is written, with the fields of its document.
        kinds: Where examples of the problem's own kind would tell its answer: how many kinds the documents walk through
            first. Then examples are of the first kinds in turn, of any difficulty, in random order. 0: of its own kind.
    """

    def make_with_examples(rng: Rng, index: int) -> Row:
        row = make(rng, index)
        others = list[Row]()
        while len(others) < knobs.num_solved:
            other = make(rng, len(others) % kinds + kinds * rng.below(_ROUNDS) if kinds else index)
            if other["question"] != row["question"]:
                others.append(other)
        examples = "".join(shown.format_map(other) for other in rng.shuffled(others))
        blind = Rng("guesses", family, row["question"])  # a stream of its own: guesses change no document
        return {"examples": examples, **row, "candidates": list(guess(blind, row))}

    return make_splits(family, make_with_examples, knobs)
