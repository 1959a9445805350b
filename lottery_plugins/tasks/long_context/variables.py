"""Variables get numbers or each other's values: what is a variable's value, or which ones have a value?

Source: variable tracking of RULER (Hsieh et al. 2024, arXiv:2404.06654). Deviation: RULER asks for all variables of one
value and for five links; here the value of one variable is asked as well, from no link up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, pairwise
from typing import Any

from lottery_plugins.tasks.design import Design
from lottery_plugins.tasks.haystack import STYLES, Fact, hide
from lottery_plugins.tasks.knobs import TaskKnobs, knob, read_knobs, words_knob
from lottery_plugins.tasks.listing import set_score
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.retrieval.values import draw_values
from lottery_plugins.tasks.scoring import value_score
from lottery_plugins.tasks.splits import Row, make_splits_by
from lottery_plugins.tasks.words import NAMES

__all__ = ["VariablesKnobs", "build", "make_row", "score"]

ASKS = ("value", "names")
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_CODE = re.compile(rf"\b[{_LETTERS}]{{3}}\b")
_MOST_GUESSES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class VariablesKnobs(TaskKnobs):
    """Knobs of variable tracking.

    Attributes:
        variables_links: Copies from variable to variable in each chain.
        variables_lengths: Lengths of the text in tokens of an English vocabulary, about.
        variables_chains: Chains in the text, the asked one included.
        variables_asks: What is asked: the value of a chain's last variable, or the names of a value's variables.
        variables_styles: What the text is.
    """

    variables_links: tuple[int, ...] = knob((0, 1, 2, 4), 0, 7)
    variables_lengths: tuple[int, ...] = knob((64, 256, 512), 32, 1_000_000)
    variables_chains: tuple[int, ...] = knob((1, 3), 1, 6)
    variables_asks: tuple[str, ...] = words_knob(ASKS, is_graded=True)
    variables_styles: tuple[str, ...] = words_knob(STYLES)


@dataclass(frozen=True, slots=True)
class Template:
    """How variables get values, and what is asked."""

    name: str
    start: str
    copy: str
    value: str
    names: str
    is_about_people: bool = False


TEMPLATES = (
    Template(
        "code",
        "VAR {a} = {value}.",
        "VAR {a} = VAR {b}.",
        "What is the value of VAR {a}?",
        "Which variables have the value {value}?",
    ),
    Template(
        "number",
        "The number of {a} is {value}.",
        "The number of {a} is the same as the number of {b}.",
        "What is the number of {a}?",
        "Who has the number {value}?",
        is_about_people=True,
    ),
    Template(
        "counter",
        "The counter {a} shows {value}.",
        "The counter {a} shows what the counter {b} shows.",
        "What does the counter {a} show?",
        "Which counters show {value}?",
    ),
)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval; examples for few-shot have the shortest length."""
    knobs = read_knobs(VariablesKnobs, "variables", metadata)
    return make_splits_by("variables", knobs, lambda k: partial(make_row, _design(k)), easiest="variables_lengths")


def _design(knobs: VariablesKnobs) -> Design:
    return Design(
        "variables",
        grid={"links": knobs.variables_links, "length": knobs.variables_lengths},
        mixed={
            "chains": knobs.variables_chains,
            "template": TEMPLATES,
            "ask": knobs.variables_asks,
            "style": knobs.variables_styles,
        },
    )


def make_row(design: Design, rng: Rng, index: int) -> Row:
    """One document."""
    levels = design.levels(index)
    template: Template = levels["template"]
    size, count = levels["links"] + 1, levels["chains"]
    names = rng.sample(NAMES, size * count) if template.is_about_people else _codes(rng, size * count)
    values = draw_values(rng, "number", count)
    chains = [names[i * size : (i + 1) * size] for i in range(count)]
    facts = [fact for chain, value in zip(chains, values, strict=True) for fact in _facts(rng, template, chain, value)]
    is_value = levels["ask"] == "value"
    asked = template.value if is_value else template.names
    answers = values[:1] if is_value else chains[0]
    candidates = values if is_value else names
    return {
        "context": hide(rng, levels["style"], levels["length"], facts),
        "question": asked.format(a=chains[0][-1], value=values[0]),
        "answer": ", ".join(answers),
        "answers": answers,
        "distractors": [item for item in candidates if item not in answers],
        "candidates": _guesses(candidates, len(answers)) if count > 1 else [],
        **levels,
        "template": template.name,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the value is named and no other number is, or all names and no other name."""
    text = results[0]
    if doc["ask"] == "value":
        return {"acc": value_score(text, doc["answers"], doc["distractors"])}
    return {"acc": set_score(text, doc["answers"], [*NAMES, *_CODE.findall(text.upper())])}


def _facts(rng: Rng, template: Template, chain: Sequence[str], value: str) -> list[Fact]:
    """The assignments of one chain, in order, at random places."""
    said = [template.start.format(a=chain[0], value=value)]
    said += [template.copy.format(a=a, b=b) for b, a in pairwise(chain)]
    places = sorted(rng.below(1000) / 1000 for _ in said)
    return [Fact(text, place) for text, place in zip(said, places, strict=True)]


def _codes(rng: Rng, count: int) -> list[str]:
    """Different names of variables, of three consonants."""
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(rng.choice(_LETTERS) for _ in range(3))] = None
    return list(found)


def _guesses(candidates: Sequence[str], count: int) -> list[str]:
    """Sets of the right size that a blind guesser picks from; none where that is as good as hopeless."""
    guesses: list[str] = []
    for way in combinations(candidates, count):
        guesses.append(", ".join(way))
        if len(guesses) > _MOST_GUESSES:
            return []
    return guesses
