"""Ability 3, planning: the Tower of Hanoi between any two positions; any legal moves to the goal are right.

Source: Lucas 1883; with the positions drawn at a fixed distance, so that no known sequence can be recited.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from lottery_plugins.tasks.guesses import choices
from lottery_plugins.tasks.knobs import knob, read_knobs
from lottery_plugins.tasks.planning.execution import carry_out, plan_scores, read_plan
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import names_in
from lottery_plugins.tasks.solved import SolvedKnobs, make_solved_splits
from lottery_plugins.tasks.splits import Row
from lottery_plugins.tasks.walk import Walk
from lottery_plugins.tasks.words import word_list

__all__ = ["HanoiKnobs", "build", "make_row", "move", "score"]

PEGS = word_list("red blue green yellow black white brown pink gray purple orange silver")
Position = tuple[int, ...]
"""The peg (0, 1, 2) of each disk, the smallest disk first."""
Move = tuple[int | None, int | None, int]
"""The disk (0 is the smallest), the peg it leaves, the peg it comes to; disk or first peg may be left open."""


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
    return make_solved_splits("hanoi", lambda rng, index: make_row(rng, index, knobs), knobs, _guesses)


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
        "answer": ", ".join(f"disk {disk + 1} to {pegs[target]}" for disk, _, target in moves if disk is not None),
        "pegs": pegs,
        "start": list(start),
        "goal": list(goal),
        "moves": len(moves),
        "disks": disks,
        "template": name,
    }


def _guesses(rng: Rng, row: Row) -> list[str]:
    """As many moves as are needed, of any disk to any peg."""
    moves = [f"disk {disk} to {peg}" for disk in range(1, row["disks"] + 1) for peg in row["pegs"]]
    return [", ".join(plan) for plan in choices(rng, *[moves] * row["moves"])]


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: legal moves that reach the goal; `partial`: the share of moves up to the first that is not legal."""
    plan = read_plan(results[0], lambda part: _moves(part, doc["pegs"]), doc["moves"])
    ran = carry_out(tuple(doc["start"]), plan, move)
    return plan_scores(ran, list(ran.state) == doc["goal"], doc["moves"])


def move(position: Position, step: Move) -> Position | None:
    """The position after the top disk of one peg is put on another one; None where the rules forbid it."""
    disk, source, target = step
    source = position[disk] if source is None and disk is not None and disk < len(position) else source
    tops = [next((d for d, peg in enumerate(position) if peg == at), len(position)) for at in (source, target)]
    if source == target or tops[0] >= tops[1] or disk not in (None, tops[0]):
        return None
    return (*position[: tops[0]], target, *position[tops[0] + 1 :])


def _moves(text: str, pegs: Sequence[str]) -> list[Move]:
    """The moves that a text names: disks, each with one peg or two; or pegs alone, two by two."""
    _, *numbered = re.split(r"\bdis[kc][ \t]*(?:no\.?|number|#)?[ \t]*(?=[0-9])", text.casefold())
    if not numbered:
        named = [pegs.index(name) for name in names_in(text, pegs)]
        return [(None, *pair) for pair in zip(named[::2], named[1::2], strict=False)] if len(named) % 2 == 0 else []
    parts = [(int(part[0]) - 1, [pegs.index(name) for name in names_in(part, pegs)]) for part in numbered]
    return [(disk, at[0] if len(at) > 1 else None, at[-1]) for disk, at in parts if at]


def _far(rng: Rng, disks: int, distance: int) -> tuple[Position, list[Move]]:
    """A random position, and the shortest moves to one at the distance, or as far as it gets."""
    start = tuple(rng.below(3) for _ in range(disks))
    paths: dict[Position, list[Move]] = {start: []}
    edge = [start]
    for _ in range(distance):
        further = dict[Position, list[Move]]()
        for position in edge:
            for disk, target in product(range(disks), range(3)):
                after = move(position, (disk, None, target))
                if after is not None and after not in paths:
                    further.setdefault(after, [*paths[position], (disk, None, target)])
        if not further:
            break
        paths.update(further)
        edge = list(further)
    return start, paths[rng.choice(edge)]


def _shown(position: Position, pegs: Sequence[str]) -> str:
    """Where each disk is."""
    return ", ".join(f"disk {disk} is on {pegs[peg]}" for disk, peg in enumerate(position, 1))


WORDINGS = (
    (
        "pegs",
        "The Tower of Hanoi has the pegs {pegs}; disk 1 is the smallest. Now {now}. Goal: {goal}. Which moves?",
    ),
    (
        "towers",
        "Only the top disk of a tower can be moved, never onto one with a lower number. Towers: {pegs}. Start: {now}. "
        "End: {goal}. Which moves?",
    ),
)
