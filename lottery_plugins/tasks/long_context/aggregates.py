"""All facts of a text matter at once: how many are alike, which is the most common, which the largest?

Source: the aggregation tasks of RULER (common and frequent words; Hsieh et al. 2024, arXiv:2404.06654) and
counting in long contexts. Deviation: the items are sentences among filler, not a bare list, and counts and extremes
are asked too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lottery_plugins.tasks.design import Design
from lottery_plugins.tasks.haystack import STYLES, Fact, hide
from lottery_plugins.tasks.knobs import TaskKnobs, knob, read_knobs, words_knob
from lottery_plugins.tasks.listing import NUMBER_WORDS, number_names
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import value_score
from lottery_plugins.tasks.splits import Row, make_splits_by
from lottery_plugins.tasks.words import CITIES, NAMES, THINGS, VALUES

__all__ = ["AggregateKnobs", "build", "make_row", "score"]

KINDS = ("common", "compare", "count")
LEADS = ("large", "small")
_MOST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateKnobs(TaskKnobs):
    """Knobs of aggregation.

    Attributes:
        aggregate_items: Facts in the text; all of them matter.
        aggregate_lengths: Lengths of the text in tokens of an English vocabulary, about.
        aggregate_kinds: What is asked: the most common, the one with most or least, or how many.
        aggregate_leads: How far the most common, most or least is ahead of the others; no matter for how many.
        aggregate_styles: What the text is.
    """

    aggregate_items: tuple[int, ...] = knob((6, 12, 24), 3, 40)
    aggregate_lengths: tuple[int, ...] = knob((64, 256, 512), 32, 1_000_000)
    aggregate_kinds: tuple[str, ...] = words_knob(KINDS, is_graded=True)
    aggregate_leads: tuple[str, ...] = words_knob(LEADS, is_graded=True)
    aggregate_styles: tuple[str, ...] = words_knob(STYLES[::-1], is_graded=True)


@dataclass(frozen=True, slots=True)
class Template:
    """A fact about a person and a thing or a number, and what is asked about all of them."""

    name: str
    kind: str
    fact: str
    question: str
    things: Sequence[str] = ()
    is_least: bool = False


TEMPLATES = (
    Template("visit", "count", "{name} is in the {x}.", "How many people are in the {x}?", THINGS),
    Template("home", "count", "{name} lives in {x}.", "How many people live in {x}?", CITIES),
    Template("vote", "common", "{name} voted for the {x}.", "Which thing got the most votes?", VALUES),
    Template("order", "common", "{name} has ordered the {x}.", "Which thing was ordered most often?", VALUES),
    Template("coins", "compare", "{name} has {x} coins.", "Who has the most coins?"),
    Template("age", "compare", "{name} is {x} years old.", "Who is the youngest?", is_least=True),
)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval; examples for few-shot have the shortest length."""
    knobs = read_knobs(AggregateKnobs, "aggregate", metadata)
    return make_splits_by("aggregate", knobs, lambda k: partial(make_row, _design(k)), easiest="aggregate_lengths")


def _design(knobs: AggregateKnobs) -> Design:
    return Design(
        "aggregate",
        grid={"kind": knobs.aggregate_kinds, "items": knobs.aggregate_items, "length": knobs.aggregate_lengths},
        mixed={"wording": range(2), "lead": knobs.aggregate_leads, "style": knobs.aggregate_styles},
    )


def make_row(design: Design, rng: Rng, index: int) -> Row:
    """One document."""
    levels = design.levels(index)
    of_kind = [template for template in TEMPLATES if template.kind == levels["kind"]]
    template = of_kind[levels.pop("wording")]
    names = rng.sample(NAMES, levels["items"])
    asked, values, answer, candidates = _MAKERS[template.kind](rng, template, names, levels["lead"] == "large")
    facts = [Fact(template.fact.format(name=n, x=x)) for n, x in zip(names, values, strict=True)]
    return {
        "context": hide(rng, levels["style"], levels["length"], facts),
        "question": template.question.format(x=asked),
        "hint": f"Give the {_ASKED[template.kind]} only.",
        "answer": answer,
        "candidates": candidates,
        **levels,
        "template": template.name,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the number, thing or person is named, and no other number or candidate is."""
    if doc["kind"] == "count":
        others = [word for word in NUMBER_WORDS if word != "one"]  # "one" may be a pronoun
        return {"acc": value_score(results[0], number_names(int(doc["answer"])), others)}
    return {"acc": value_score(results[0], [doc["answer"]], doc["candidates"])}


_Made = tuple[str, list[str], str, list[str]]
"""What is asked about, the value of each person, the answer, and what a blind guesser picks from."""


def _count(rng: Rng, template: Template, names: Sequence[str], is_far: bool) -> _Made:
    """One to five people at the place asked for; the others are at two other places."""
    asked, *others = rng.sample(template.things, 3)
    most = min(_MOST, len(names))
    number = rng.between(1, most)
    values = [asked] * number + [rng.choice(others) for _ in names[number:]]
    return asked, rng.shuffled(values), str(number), [str(i) for i in range(1, most + 1)]


def _common(rng: Rng, template: Template, names: Sequence[str], is_far: bool) -> _Made:
    """Three things (two among three people), of which one has more than the others, which are as even as can be.

    With a large lead each of the others is there once.
    """
    count = len(names)
    things = rng.sample(template.things, 3 if count > 3 else 2)
    narrow = min(-(-(count + 2) // 3) + rng.below(2), count - 2)
    winner = 2 if count == 3 else count - 2 if is_far else narrow
    values = [things[0]] * winner + [things[1 + i % (len(things) - 1)] for i in range(count - winner)]
    return "", rng.shuffled(values), things[0], rng.shuffled(things)


def _compare(rng: Rng, template: Template, names: Sequence[str], is_far: bool) -> _Made:
    """A different number for each person; with a large lead the best has a digit more, or less, than the others."""
    numbers = rng.sample(range(10, 100), len(names))
    if is_far:
        numbers[0] = rng.between(1, 9) if template.is_least else rng.between(100, 999)
        numbers = rng.shuffled(numbers)
    best = min(numbers) if template.is_least else max(numbers)
    return "", [str(number) for number in numbers], names[numbers.index(best)], list(names)


_ASKED = {"count": "number", "common": "thing", "compare": "name"}
_MAKERS = {"count": _count, "common": _common, "compare": _compare}
