"""Ability 3, planning: the Tower of Hanoi between any two positions; any legal moves to the goal are right.

Source: Lucas 1883; with the positions drawn at a fixed distance, so that no known sequence can be recited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.tasks.knobs import knob, read_knobs
from lottery_plugins.tasks.planning.execution import carry_out, names_in, plan_scores, read_plan
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.solved import SolvedKnobs, make_solved_splits
from lottery_plugins.tasks.splits import Row
from lottery_plugins.tasks.walk import Walk
from lottery_plugins.tasks.words import word_list

__all__ = ["HanoiKnobs", "build", "make_row", "move", "score"]

PEGS = word_list("red blue green yellow black white brown pink gray purple orange silver")
Position = tuple[int, ...]
"""The peg (0, 1, 2) of each disk, the smallest disk first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HanoiKnobs(SolvedKnobs):
    """Knobs of the Tower of Hanoi.

    Attributes:
        hanoi_disks: Disks on the pegs.
        hanoi_moves: Fewest moves from the shown position to the goal; less where the disks allow no more.
    """

    hanoi_disks: tuple[int, ...] = knob((1, 2, 3), 1, 8)
    hanoi_moves: tuple[int, ...] = knob((1, 2, 3), 1, 30)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(HanoiKnobs, "hanoi", metadata)
    return make_solved_splits("hanoi", lambda rng, index: make_row(rng, index, knobs), knobs)


def make_row(rng: Rng, index: int, knobs: HanoiKnobs) -> Row:
    """One document; consecutive ones walk through the wordings, then the moves, then the disks."""
    walk = Walk(index)
    name, wording = walk.along(WORDINGS)
    distance, disks = walk.along(knobs.hanoi_moves), walk.along(knobs.hanoi_disks)
    pegs = rng.sample(PEGS, 3)
    start, moves = _far(rng, disks, distance)
    goal = carry_out(start, moves, move).state
    question = wording.format(pegs=", ".join(pegs), now=_shown(start, pegs), goal=_shown(goal, pegs))
    return {
        "question": question,
        "answer": ", ".join(f"{pegs[source]} to {pegs[target]}" for source, target in moves),
        "pegs": pegs,
        "start": list(start),
        "goal": list(goal),
        "moves": len(moves),
        "disks": disks,
        "template": name,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: legal moves that reach the goal; `partial`: the share of moves up to the first that is not legal."""
    plan = read_plan(results[0], lambda part: _moves(part, doc["pegs"]), doc["moves"])
    ran = carry_out(tuple(doc["start"]), plan, move)
    return plan_scores(ran, list(ran.state) == doc["goal"], doc["moves"])


def move(position: Position, pegs: tuple[int, int]) -> Position | None:
    """The position after the top disk of one peg is put on another one; None where the rules forbid it."""
    source, target = pegs
    tops = [next((disk for disk, peg in enumerate(position) if peg == at), None) for at in pegs]
    disk, below = tops
    if source == target or disk is None or (below is not None and below < disk):
        return None
    return (*position[:disk], target, *position[disk + 1 :])


def _moves(text: str, pegs: Sequence[str]) -> list[tuple[int, int]]:
    """The pegs that a text names, two by two: from, to. An odd number of names is no plan."""
    named = [pegs.index(name) for name in names_in(text, pegs)]
    return list(zip(named[::2], named[1::2], strict=True)) if len(named) % 2 == 0 else []


def _far(rng: Rng, disks: int, distance: int) -> tuple[Position, list[tuple[int, int]]]:
    """A random position, and the shortest moves to one at the distance, or as far as it gets."""
    start = tuple(rng.below(3) for _ in range(disks))
    paths: dict[Position, list[tuple[int, int]]] = {start: []}
    edge = [start]
    for _ in range(distance):
        further = dict[Position, list[tuple[int, int]]]()
        for position in edge:
            for pegs in _PAIRS:
                after = move(position, pegs)
                if after is not None and after not in paths:
                    further.setdefault(after, [*paths[position], pegs])
        if not further:
            break
        paths.update(further)
        edge = list(further)
    return start, paths[rng.choice(edge)]


def _shown(position: Position, pegs: Sequence[str]) -> str:
    """Where each disk is."""
    return ", ".join(f"disk {disk} on {pegs[peg]}" for disk, peg in enumerate(position, 1))


_PAIRS = tuple((a, b) for a in range(3) for b in range(3) if a != b)
WORDINGS = (
    (
        "pegs",
        "The Tower of Hanoi with the pegs {pegs}; disk 1 is the smallest. Now: {now}. Goal: {goal}. Which moves?",
    ),
    (
        "towers",
        "Disks lie on the towers {pegs}. Only a top disk can be moved, never onto one with a lower number. "
        "Start: {now}. End: {goal}. Which moves?",
    ),
)
