"""Ability 3, planning: put steps into an order that keeps all dependencies; any such order is right.

The graphs are generated here; the answer is checked by walking it, not by comparison with a stored order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.tasks.knobs import TaskKnobs, knob, read_knobs
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import order_score
from lottery_plugins.tasks.splits import Row, make_splits
from lottery_plugins.tasks.words import word_list

__all__ = ["ScheduleKnobs", "build", "make_row", "score"]

STEPS = word_list(
    "bake build check clean cook count cut draw dry fix fold freeze glue grind heat label load measure melt mix "
    "pack paint peel plan polish press print roast rinse sand sew ship slice sort stamp stir test wash weigh wrap"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleKnobs(TaskKnobs):
    """Knobs of the schedule task.

    Attributes:
        schedule_steps: Steps to be ordered.
        schedule_extra: Dependencies beyond those that tie every step to another one.
    """

    schedule_steps: tuple[int, ...] = knob((3, 4, 5), 3, len(STEPS))
    schedule_extra: int = knob(1, 0, 100)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(ScheduleKnobs, "schedule", metadata)
    return make_splits("schedule", lambda rng, index: make_row(rng, index, knobs), knobs)


def make_row(rng: Rng, index: int, knobs: ScheduleKnobs) -> Row:
    """One document; consecutive ones walk through the wordings, then the numbers of steps."""
    round_, wording_index = divmod(index, len(WORDINGS))
    count = knobs.schedule_steps[round_ % len(knobs.schedule_steps)]
    name, wording = WORDINGS[wording_index]
    order = rng.sample(STEPS, count)
    before = _dependencies(rng, order, knobs.schedule_extra)
    shown = _shown(rng, order, before)
    rules = [wording.format(first=first, second=second) for first, second in rng.shuffled(before)]
    question = (
        f"Steps: {', '.join(shown)}.\nRules: {' '.join(rules)}\nIn which order can all {count} steps be done? "
        "Name every step once, first step first."
    )
    return {
        "question": question,
        "answer": ", ".join(order),
        "steps": shown,
        "before": [{"first": first, "second": second} for first, second in before],
        "size": count,
        "template": name,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when every step is named once, in an order that keeps all dependencies."""
    return {"acc": order_score(results[0], doc["steps"], [(p["first"], p["second"]) for p in doc["before"]])}


def _dependencies(rng: Rng, order: Sequence[str], extra: int) -> list[tuple[str, str]]:
    """Pairs (earlier, later) of an order: each step after the first waits for one before it, and `extra` pairs more."""
    pairs = {(order[rng.below(i)], order[i]): None for i in range(1, len(order))}
    others = [(a, b) for i, a in enumerate(order) for b in order[i + 1 :] if (a, b) not in pairs]
    return [*pairs, *rng.sample(others, min(extra, len(others)))]


def _shown(rng: Rng, order: Sequence[str], before: Sequence[tuple[str, str]]) -> list[str]:
    """The steps in an order that breaks a rule, and so does its reverse: neither can be copied as the answer."""
    while True:
        shown = rng.shuffled(order)
        place = {step: i for i, step in enumerate(shown)}
        is_kept = [place[first] < place[second] for first, second in before]
        if any(is_kept) and not all(is_kept):
            return shown


WORDINGS = (
    ("before", "{first} comes before {second}."),
    ("after", "{second} comes after {first}."),
    ("until", "You can {second} only when {first} is done."),
)
