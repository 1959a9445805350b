"""Ability 3, planning: put steps into an order that keeps all dependencies; any such order is right.

The graphs are generated here; the answer is carried out step by step, not compared with a stored order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from lottery_plugins.tasks.guesses import arrangements
from lottery_plugins.tasks.knobs import knob, read_knobs
from lottery_plugins.tasks.planning.execution import carry_out, plan_scores, read_plan
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import names_in
from lottery_plugins.tasks.solved import SolvedKnobs, make_solved_splits
from lottery_plugins.tasks.splits import Row
from lottery_plugins.tasks.walk import Walk
from lottery_plugins.tasks.words import word_list

__all__ = ["ScheduleKnobs", "build", "make_row", "score"]

STEPS = word_list(
    "bake build check clean cook count cut draw dry fix fold freeze glue grind heat label load measure melt mix "
    "pack paint peel plan polish press print roast rinse sand sew ship slice sort stamp stir test wash weigh wrap"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleKnobs(SolvedKnobs):
    """Knobs of the schedule task.

    Attributes:
        schedule_steps: Steps to be ordered.
        schedule_told: 1 when each step waits for the one before, and the rules are told in that order; else 0.
        schedule_extra: Dependencies beyond those that tie every step to another one.
    """

    schedule_steps: tuple[int, ...] = knob((2, 3, 4, 5), 2, len(STEPS))
    schedule_told: tuple[int, ...] = knob((1, 0), 0, 1)
    schedule_extra: int = knob(1, 0, 100)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(ScheduleKnobs, "schedule", metadata)
    return make_solved_splits("schedule", lambda rng, index: make_row(rng, index, knobs), knobs, _guesses)


def make_row(rng: Rng, index: int, knobs: ScheduleKnobs) -> Row:
    """One document; consecutive ones walk through the wordings, then the orders of telling, then the sizes."""
    walk = Walk(index)
    name, wording = walk.along(WORDINGS)
    told, count = walk.along(knobs.schedule_told), walk.along(knobs.schedule_steps)
    order = rng.sample(STEPS, count)
    before = list(pairwise(order)) if told else rng.shuffled(_dependencies(rng, order, knobs.schedule_extra))
    rules = [wording.format(first=first, second=second) for first, second in before]
    return {
        "question": f"{' '.join(rules)} What is the order of all {count} steps?",
        "answer": ", ".join(order),
        "steps": sorted(order),
        "before": [{"first": first, "second": second} for first, second in before],
        "size": count,
        "told": told,
        "template": name,
    }


def _guesses(rng: Rng, row: Row) -> list[str]:
    """The steps in any order."""
    return [", ".join(order) for order in arrangements(rng, row["steps"], len(row["steps"]))]


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: every step is done once, after all that it waits for; `partial`: the share of steps up to a fault."""
    steps = doc["steps"]
    plan = read_plan(results[0], lambda part: names_in(part, steps), len(steps))
    waits = {step: frozenset(p["first"] for p in doc["before"] if p["second"] == step) for step in steps}
    ran = carry_out(frozenset[str](), plan, partial(_do, waits))
    return plan_scores(ran, len(ran.state) == len(steps), len(steps))


def _do(waits: Mapping[str, frozenset[str]], done: frozenset[str], step: str) -> frozenset[str] | None:
    """What is done after one more step; None when it was done before, or too early."""
    return done | {step} if step not in done and waits[step] <= done else None


def _dependencies(rng: Rng, order: Sequence[str], extra: int) -> list[tuple[str, str]]:
    """Pairs (earlier, later) of an order: each step after the first waits for one before it, and `extra` pairs more."""
    pairs = {(order[rng.below(i)], order[i]): None for i in range(1, len(order))}
    others = [(a, b) for i, a in enumerate(order) for b in order[i + 1 :] if (a, b) not in pairs]
    return [*pairs, *rng.sample(others, min(extra, len(others)))]


WORDINGS = (
    ("first", "First {first}, then {second}."),
    ("before", "{first} comes before {second}."),
    ("after", "{second} comes after {first}."),
    ("until", "You can {second} only when {first} is done."),
)
