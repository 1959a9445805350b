"""Ability 2, external resources: questions on an invented knowledge base, which no model can know.

Each problem brings its own documents: one holds the answer, the others are near misses (the same name with another
kind of place, the same kind with a name one letter away) and strangers. Written here; nothing is taken from a data set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.tasks.knobs import TaskKnobs, knob, read_knobs
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import value_score
from lottery_plugins.tasks.splits import Row, make_splits
from lottery_plugins.tasks.words import NAMES, coin_word, word_list

__all__ = ["FactsKnobs", "build", "make_row", "score"]

KINDS = word_list("Castle Hotel Museum Lighthouse Abbey Theater Library Tower School Market Hospital Palace")
_LETTERS = "abdefgiklmnoprstuvz"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsKnobs(TaskKnobs):
    """Knobs of the invented facts.

    Attributes:
        facts_documents: Documents in each problem's knowledge base.
    """

    facts_documents: int = knob(24, 1, 500)


@dataclass(frozen=True, slots=True)
class Attribute:
    """A fact that each document states once."""

    name: str
    statement: str
    question: str
    invent: Callable[[Rng], str]


def _person(rng: Rng) -> str:
    return f"{rng.choice(NAMES)} {coin_word(rng)}"


def _year(rng: Rng) -> str:
    return str(rng.between(1101, 1989))


def _rooms(rng: Rng) -> str:
    return str(rng.between(101, 989))


ATTRIBUTES = (
    Attribute("builder", "The {title} was built by {value}.", "Who built the {title}?", _person),
    Attribute("year", "The {title} was opened in {value}.", "When was the {title} opened?", _year),
    Attribute("town", "The {title} is in the town of {value}.", "In which town is the {title}?", coin_word),
    Attribute("rooms", "The {title} has {value} rooms.", "How many rooms does the {title} have?", _rooms),
)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(FactsKnobs, "facts", metadata)
    return make_splits("invented_facts", lambda rng, index: make_row(rng, index, knobs), knobs)


def make_row(rng: Rng, index: int, knobs: FactsKnobs) -> Row:
    """One document; consecutive ones walk through the attributes asked for."""
    asked = ATTRIBUTES[index % len(ATTRIBUTES)]
    titles = _titles(rng, knobs.facts_documents)
    facts = _facts(rng, titles)
    documents = [
        {"title": title, "text": _text(rng, title, values)} for title, values in zip(titles, facts, strict=True)
    ]
    shuffled = [{"id": f"d{i}", **document} for i, document in enumerate(rng.shuffled(documents))]
    column = ATTRIBUTES.index(asked)
    answer = facts[0][column]
    return {
        "question": asked.question.format(title=titles[0]),
        "answer": answer,
        "accepted": [answer, answer.split()[-1]] if " " in answer else [answer],
        "distractors": [value for row in facts for value in row if value != answer],
        "gold_id": next(d["id"] for d in shuffled if d["title"] == titles[0]),
        "documents": shuffled,
        "template": asked.name,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the value is named and no other value of the knowledge base is."""
    return {"acc": value_score(results[0], doc["accepted"], doc["distractors"])}


def _titles(rng: Rng, count: int) -> list[str]:
    """Different titles; the first is asked for, and a half of the others are near misses of it."""
    name, kind = coin_word(rng), rng.choice(KINDS)
    titles = {f"{name} {kind}": None}
    for other in rng.sample([k for k in KINDS if k != kind], 4):
        titles[f"{name} {other}"] = None
    while len(titles) < count:
        near = _misspell(rng, name) if len(titles) < count // 2 else coin_word(rng)
        titles[f"{near} {kind if rng.below(2) else rng.choice(KINDS)}"] = None
    return list(titles)[:count]


def _misspell(rng: Rng, name: str) -> str:
    """The name with one letter replaced, never the first."""
    at = rng.between(1, len(name) - 1)
    letter = rng.choice([c for c in _LETTERS if c != name[at]])
    return name[:at] + letter + name[at + 1 :]


def _facts(rng: Rng, titles: Sequence[str]) -> list[list[str]]:
    """A value per document and attribute; no value, and no surname, comes twice or stands in a title."""
    used = {word for title in titles for word in title.split()}
    rows = []
    for _ in titles:
        row = []
        for attribute in ATTRIBUTES:
            value = attribute.invent(rng)
            while value.split()[-1] in used:
                value = attribute.invent(rng)
            used.add(value.split()[-1])
            row.append(value)
        rows.append(row)
    return rows


def _text(rng: Rng, title: str, values: Sequence[str]) -> str:
    stated = [a.statement.format(title=title, value=value) for a, value in zip(ATTRIBUTES, values, strict=True)]
    return " ".join(rng.shuffled(stated))
