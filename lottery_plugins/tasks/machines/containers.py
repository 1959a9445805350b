"""Ability 4, fundamental operations: a stack and a queue, exact after any number of steps. Generated here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.tasks.knobs import knob, read_knobs
from lottery_plugins.tasks.machines.symbols import WORDS
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import names_in, sequence_score
from lottery_plugins.tasks.solved import SolvedKnobs, make_solved_splits
from lottery_plugins.tasks.splits import Row
from lottery_plugins.tasks.walk import Walk

__all__ = ["ContainersKnobs", "build", "make_row", "score"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainersKnobs(SolvedKnobs):
    """Knobs of the stack and the queue.

    Attributes:
        containers_steps: Instructions that are carried out.
    """

    containers_steps: tuple[int, ...] = knob((2, 3, 5), 2, 1000)


@dataclass(frozen=True, slots=True)
class Kind:
    """A container in words, and what is asked of it."""

    name: str
    is_queue: bool
    put: str
    take: str
    asked: str
    is_whole: bool


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(ContainersKnobs, "containers", metadata)
    return make_solved_splits("containers", lambda rng, index: make_row(rng, index, knobs), knobs, _guesses)


def make_row(rng: Rng, index: int, knobs: ContainersKnobs) -> Row:
    """One document; consecutive ones walk through the kinds, then the numbers of steps."""
    walk = Walk(index)
    kind, steps = walk.along(KINDS), walk.along(knobs.containers_steps)
    held = list[str]()
    said = list[str]()
    for left in range(steps, 0, -1):
        if not held or len(held) == left == 1 or (len(held) < len(WORDS) and rng.below(3)):
            held.append(rng.choice([word for word in WORDS if word not in held]))
            said.append(kind.put.format(word=held[-1]))
        else:
            held.pop(0 if kind.is_queue else -1)
            said.append(kind.take)
    answer = held if kind.is_whole else [held[0 if kind.is_queue else -1]]
    return {
        "question": f"{' '.join(said)} {kind.asked}",
        "answer": " ".join(answer),
        "words": answer,
        "steps": steps,
        "template": kind.name,
    }


def _guesses(rng: Rng, row: Row) -> list[str]:
    """Any word of the question, alone."""
    return sorted(set(names_in(row["question"], WORDS)))


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the words named are the gold ones, all of them, in order, and no others."""
    return {"acc": sequence_score(results[0], doc["words"], WORDS)}


_STACK = "Put {word} on the stack.", "Take the top word off the stack."
_QUEUE = "{word} joins the end of the queue.", "The first of the queue leaves."
KINDS = (
    Kind("stack-top", False, *_STACK, "Which word is on top of the stack now?", False),
    Kind("queue-first", True, *_QUEUE, "Who is first in the queue now?", False),
    Kind("stack-whole", False, *_STACK, "Which words are on the stack now, from bottom to top?", True),
    Kind("queue-whole", True, *_QUEUE, "Who is in the queue now, from first to last?", True),
)
