"""A list of keys and values: find the value of one key, where every other line is as likely as the right one.

Source: the key-value retrieval task of "Lost in the Middle" (Liu et al. 2023, arXiv:2307.03172), and RULER's needles in
a haystack of needles (Hsieh et al. 2024, arXiv:2404.06654). Deviation: several layouts, and words or numbers beside
UUIDs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lottery_plugins.tasks.design import Design
from lottery_plugins.tasks.knobs import TaskKnobs, knob, read_knobs, words_knob
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.retrieval.values import draw_values
from lottery_plugins.tasks.scoring import value_score
from lottery_plugins.tasks.splits import Row, make_splits_by
from lottery_plugins.tasks.words import coin_words

__all__ = ["PairsKnobs", "build", "make_row", "score"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsKnobs(TaskKnobs):
    """Knobs of the key-value task.

    Attributes:
        pairs_counts: Pairs in the text.
        pairs_depths: Places of the pair asked for, 0 at the beginning and 1 at the end.
        pairs_kinds: What the values are; the keys of UUIDs are UUIDs, those of numbers invented words.
    """

    pairs_counts: tuple[int, ...] = knob((4, 10, 25), 2, 20_000)
    pairs_depths: tuple[float, ...] = knob((0.0, 0.5, 1.0), 0.0, 1.0, is_graded=False)
    pairs_kinds: tuple[str, ...] = words_knob(("number", "uuid"))


@dataclass(frozen=True, slots=True)
class Layout:
    """How the pairs are written and asked for."""

    name: str
    pair: str
    joint: str
    whole: str
    question: str


LAYOUTS = (
    Layout("json", '"{key}": "{value}"', ",\n", "{{\n{}\n}}", 'What is the value of the key "{key}"?'),
    Layout("table", "| {key} | {value} |", "\n", "| key | value |\n|---|---|\n{}", "Which value belongs to {key}?"),
    Layout("lines", "{key}: {value}", "\n", "{}", "What is the value of {key}?"),
    Layout("prose", "The number of {key} is {value}.", " ", "{}", "What is the number of {key}?"),
)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval; examples for few-shot have the fewest pairs."""
    knobs = read_knobs(PairsKnobs, "pairs", metadata)
    return make_splits_by("pairs", knobs, lambda k: partial(make_row, _design(k)), easiest="pairs_counts")


def _design(knobs: PairsKnobs) -> Design:
    return Design(
        "pairs",
        grid={"pairs": knobs.pairs_counts, "depth": knobs.pairs_depths},
        mixed={"template": LAYOUTS, "kind": knobs.pairs_kinds},
    )


def make_row(design: Design, rng: Rng, index: int) -> Row:
    """One document."""
    levels = design.levels(index)
    layout: Layout = levels["template"]
    count, place = levels["pairs"], round(levels["depth"] * (levels["pairs"] - 1))
    keys = draw_values(rng, "uuid", count) if levels["kind"] == "uuid" else coin_words(rng, count)
    values = draw_values(rng, levels["kind"], count)
    pairs = [layout.pair.format(key=key, value=value) for key, value in zip(keys, values, strict=True)]
    return {
        "context": layout.whole.format(layout.joint.join(pairs)),
        "question": layout.question.format(key=keys[place]),
        "answer": values[place],
        "candidates": values,
        **levels,
        "template": layout.name,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the value is named and no other value of the text is."""
    return {"acc": value_score(results[0], [doc["answer"]], doc["candidates"])}
