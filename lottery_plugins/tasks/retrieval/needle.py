"""Facts hidden in a long text, by length and depth, in four forms.

    grid      one value of one key is asked for; other keys have values too (RULER's multi-key)
    single    no other key has a value
    values    one key has several values, and all are asked for
    queries   the values of several keys are asked for, in the order of the question

Source: the needle-in-a-haystack test (Kamradt 2023) and its forms in RULER (Hsieh et al. 2024, arXiv:2404.06654).
Deviation: the haystacks are generated, not essays, so nothing is downloaded and no model has read them; all keys of the
form "values" have equally many values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, permutations
from typing import Any

from lottery_plugins.tasks.design import Design
from lottery_plugins.tasks.haystack import STYLES, Fact, hide
from lottery_plugins.tasks.knobs import TaskKnobs, knob, read_knobs, words_knob
from lottery_plugins.tasks.listing import list_score, recall_score, set_score
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.retrieval.values import KINDS, draw_values
from lottery_plugins.tasks.scoring import value_score
from lottery_plugins.tasks.splits import Row, make_splits_by
from lottery_plugins.tasks.words import NAMES, THINGS, VALUES

__all__ = [
    "NeedleKnobs",
    "build",
    "build_queries",
    "build_single",
    "build_values",
    "score",
    "score_queries",
    "score_values",
]

_MOST_GUESSES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedleKnobs(TaskKnobs):
    """Knobs of the needle tasks.

    Attributes:
        needle_lengths: Lengths of the text in tokens of an English vocabulary, about.
        needle_depths: Places of the first needle asked for, 0 at the beginning and 1 at the end.
        needle_distractors: Other keys in the text; none in the form "single".
        needle_values: Values of a key in the form "values".
        needle_queries: Keys asked for in the form "queries".
        needle_kinds: What the values are.
        needle_styles: What the text is.
    """

    needle_lengths: tuple[int, ...] = knob((128, 256, 512, 1024), 32, 1_000_000)
    needle_depths: tuple[float, ...] = knob((0.0, 0.25, 0.5, 0.75, 1.0), 0.0, 1.0, is_graded=False)
    needle_distractors: tuple[int, ...] = knob((3,), 0, 12)
    needle_values: int = knob(2, 2, 3)
    needle_queries: int = knob(2, 2, 4)
    needle_kinds: tuple[str, ...] = words_knob(KINDS)
    needle_styles: tuple[str, ...] = words_knob(STYLES)


@dataclass(frozen=True, slots=True)
class Template:
    """How a needle is said and asked for; "it" is the key with its article."""

    name: str
    keys: Sequence[str]
    key: str
    one: str
    ask_one: str
    some: str
    ask_all: str
    ask_each: str


TEMPLATES = (
    Template(
        "code",
        THINGS,
        "the {}",
        "The secret code of {it} is {value}.",
        "What is the secret code of {it}?",
        "One of the secret codes of {it} is {value}.",
        "What are the {n} secret codes of {it}?",
        "What are the secret codes of {them}, in this order?",
    ),
    Template(
        "token",
        NAMES,
        "{}",
        "The token of {it} is {value}.",
        "What is the token of {it}?",
        "One token of {it} is {value}.",
        "What are the {n} tokens of {it}?",
        "What are the tokens of {them}, in this order?",
    ),
    Template(
        "label",
        NAMES,
        "{}",
        "The label on the box of {it} says {value}.",
        "What does the label on the box of {it} say?",
        "A label on the box of {it} says {value}.",
        "What do the {n} labels on the box of {it} say?",
        "What do the labels on the boxes of {them} say, in this order?",
    ),
    Template(
        "password",
        THINGS,
        "the {}",
        "The password of {it} is {value}.",
        "What is the password of {it}?",
        "A password of {it} is {value}.",
        "What are the {n} passwords of {it}?",
        "What are the passwords of {them}, in this order?",
    ),
)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits of the form "grid"; in all forms few-shot examples have the shortest length."""
    knobs = read_knobs(NeedleKnobs, "needle", metadata)
    return _build("needle", replace(knobs, needle_values=1, needle_queries=1))


def build_single(**metadata: Any) -> dict[str, Any]:
    """The splits of the form "single"."""
    knobs = read_knobs(NeedleKnobs, "needle", metadata)
    return _build("needle_single", replace(knobs, needle_values=1, needle_queries=1, needle_distractors=(0,)))


def build_values(**metadata: Any) -> dict[str, Any]:
    """The splits of the form "values"."""
    return _build("needle_values", replace(read_knobs(NeedleKnobs, "needle", metadata), needle_queries=1))


def build_queries(**metadata: Any) -> dict[str, Any]:
    """The splits of the form "queries"."""
    return _build("needle_queries", replace(read_knobs(NeedleKnobs, "needle", metadata), needle_values=1))


def _build(family: str, knobs: NeedleKnobs) -> dict[str, Any]:
    return make_splits_by(family, knobs, lambda k: partial(make_row, k, _design(family, k)), easiest="needle_lengths")


def _design(family: str, knobs: NeedleKnobs) -> Design:
    return Design(
        family,
        grid={"length": knobs.needle_lengths, "depth": knobs.needle_depths},
        mixed={
            "distractors": knobs.needle_distractors,
            "template": TEMPLATES,
            "kind": knobs.needle_kinds,
            "style": knobs.needle_styles,
        },
    )


def make_row(knobs: NeedleKnobs, design: Design, rng: Rng, index: int) -> Row:
    """One document."""
    levels = design.levels(index)
    template: Template = levels["template"]
    asked, several = knobs.needle_queries, knobs.needle_values
    count = asked + levels["distractors"]
    keys = [template.key.format(key) for key in rng.sample(template.keys, count)]
    values = draw_values(rng, levels["kind"], count * several)
    said = template.some if several > 1 else template.one
    needles = [_capital(said.format(it=keys[i // several], value=value)) for i, value in enumerate(values)]
    facts = [Fact(needles[0], levels["depth"]), *map(Fact, needles[1:])]
    answers = values[: asked * several]
    return {
        "context": hide(rng, levels["style"], levels["length"], facts),
        "question": _question(template, keys[:asked], several),
        "answer": ", ".join(answers),
        "answers": answers,
        "others": values[len(answers) :],
        "candidates": _guesses(values, asked, several),
        **levels,
        "template": template.name,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the value is named and no other value of the text or of the list of values is."""
    return {"acc": value_score(results[0], doc["answers"], _wrong(doc))}


def score_values(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: all values are named and no other; `recall`: the share that is, when no other is."""
    text, right, wrong = results[0], doc["answers"], _wrong(doc)
    return {"acc": set_score(text, right, wrong), "recall": recall_score(text, right, wrong)}


def score_queries(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: the values are named in the order asked for, and no other; `recall`: as in `score_values`."""
    text, right, wrong = results[0], doc["answers"], _wrong(doc)
    return {"acc": list_score(text, right, wrong), "recall": recall_score(text, right, wrong)}


def _wrong(doc: Mapping[str, Any]) -> list[str]:
    return [*doc["others"], *VALUES]


def _question(template: Template, keys: Sequence[str], several: int) -> str:
    if several > 1:
        return template.ask_all.format(it=keys[0], n=several)
    if len(keys) > 1:
        return template.ask_each.format(them=f"{', '.join(keys[:-1])} and {keys[-1]}")
    return template.ask_one.format(it=keys[0])


def _guesses(values: Sequence[str], asked: int, several: int) -> list[str]:
    """Answers that someone could give who sees the values and not whose they are.

    None where the text holds one value, or where a guess is as good as hopeless.
    """
    if len(values) == asked * several:
        return []
    ways = combinations(values, several) if asked == 1 else permutations(values, asked)
    guesses = [", ".join(way) for way in ways]
    return guesses if len(guesses) <= _MOST_GUESSES else []


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
