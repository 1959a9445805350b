"""Reading: a question on one of several passages in the prompt, in the passage's words or in others.

Source: in-context retrieval augmented question answering of LLM-KICK (Jaiswal et al. 2023, arXiv:2310.01382).
Deviation: the passages are on invented things, so what a model knows neither helps nor harms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lottery_plugins.tasks.design import Design
from lottery_plugins.tasks.knobs import TaskKnobs, knob, read_knobs, words_knob
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import value_score
from lottery_plugins.tasks.splits import Row, make_splits_by
from lottery_plugins.tasks.words import CITIES, NAMES, VALUES, coin_words, filler, with_article

__all__ = ["PassagesKnobs", "build", "make_row", "score"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassagesKnobs(TaskKnobs):
    """Knobs of the passages.

    Attributes:
        passages_counts: Passages in the prompt; one of them holds the answer.
        passages_depths: Places of that one, 0 for the first and 1 for the last.
        passages_fillers: Sentences in each passage that tell nothing.
        passages_wordings: Whether the question has the words of the passage or others.
    """

    passages_counts: tuple[int, ...] = knob((1, 2, 4, 8), 1, 24)
    passages_depths: tuple[float, ...] = knob((0.0, 0.5, 1.0), 0.0, 1.0, is_graded=False)
    passages_fillers: int = knob(2, 0, 1000)
    passages_wordings: tuple[str, ...] = words_knob(("same", "other"), is_graded=True)


def _numbers(rng: Rng, count: int) -> list[str]:
    return [str(number) for number in rng.sample(range(1101, 1990), count)]


def _from(items: Sequence[str]) -> Callable[[Rng, int], list[str]]:
    return lambda rng, count: rng.sample(items, count)


@dataclass(frozen=True, slots=True)
class Attribute:
    """What a passage states once, and how it is asked for; "a" is the value with an article."""

    statement: str
    same: str
    other: str
    draw: Callable[[Rng, int], list[str]]


@dataclass(frozen=True, slots=True)
class Subject:
    """What passages are about."""

    name: str
    title: str
    opening: str
    attributes: Sequence[Attribute]


SUBJECTS = (
    Subject(
        "firm",
        "{} Works",
        "{} is a maker of small machines.",
        (
            Attribute(
                "It was founded in {}.", "In which year was {} founded?", "In which year did {} start?", _numbers
            ),
            Attribute(
                "Its main office is in {}.",
                "In which city is the main office of {}?",
                "In which city does {} have its headquarters?",
                _from(CITIES),
            ),
            Attribute(
                "{} has led the firm for a long time.",
                "Who has led {} for a long time?",
                "Who is the head of {}?",
                _from(NAMES),
            ),
            Attribute(
                "The sign over the gate shows {a}.",
                "What does the sign over the gate of {} show?",
                "Which thing is on the sign of {}?",
                _from(VALUES),
            ),
        ),
    ),
    Subject(
        "town",
        "{}",
        "{} is a small town with a long history.",
        (
            Attribute(
                "It got its charter in {}.", "When did {} get its charter?", "When did {} become a town?", _numbers
            ),
            Attribute(
                "The mayor at present is {}.", "Who is the mayor of {} at present?", "Who governs {}?", _from(NAMES)
            ),
            Attribute(
                "The coat of arms shows {a}.",
                "What does the coat of arms of {} show?",
                "Which thing is the symbol of {}?",
                _from(VALUES),
            ),
            Attribute(
                "A train goes to {} every day.",
                "To which city does a train go from {} every day?",
                "Which city can be reached from {} by rail?",
                _from(CITIES),
            ),
        ),
    ),
    Subject(
        "ship",
        "the {}",
        "The ship that is called {} has sailed many seas.",
        (
            Attribute(
                "She was built in {}.", "In which year was {} built?", "In which year was {} launched?", _numbers
            ),
            Attribute("{} is in command.", "Who is in command of {}?", "Who is the captain of {}?", _from(NAMES)),
            Attribute(
                "Her home port is in {}.",
                "In which city is the home port of {}?",
                "To which city does {} belong?",
                _from(CITIES),
            ),
            Attribute(
                "On her flag one can see {a}.",
                "What can one see on the flag of {}?",
                "What is the flag of {} decorated with?",
                _from(VALUES),
            ),
        ),
    ),
)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval; examples for few-shot have the fewest passages."""
    knobs = read_knobs(PassagesKnobs, "passages", metadata)
    return make_splits_by("passages", knobs, lambda k: partial(make_row, k, _design(k)), easiest="passages_counts")


def _design(knobs: PassagesKnobs) -> Design:
    return Design(
        "passages",
        grid={"passages": knobs.passages_counts, "depth": knobs.passages_depths},
        mixed={"template": SUBJECTS, "attribute": range(4), "wording": knobs.passages_wordings},
    )


def make_row(knobs: PassagesKnobs, design: Design, rng: Rng, index: int) -> Row:
    """One document."""
    levels = design.levels(index)
    subject: Subject = levels["template"]
    asked, count = levels["attribute"], levels["passages"]
    place = round(levels["depth"] * (count - 1))
    titles = [subject.title.format(name) for name in coin_words(rng, count)]
    columns = [attribute.draw(rng, count) for attribute in subject.attributes]
    passages = [
        _passage(rng, subject, title, values, knobs.passages_fillers)
        for title, values in zip(titles, zip(*columns, strict=True), strict=True)
    ]
    return {
        "context": "\n\n".join(passages),
        "question": getattr(subject.attributes[asked], levels["wording"]).format(titles[place]),
        "answer": columns[asked][place],
        "candidates": columns[asked] if count > 1 else [],
        **levels,
        "template": subject.name,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the value is named and no value of another passage is."""
    return {"acc": value_score(results[0], [doc["answer"]], doc["candidates"])}


def _passage(rng: Rng, subject: Subject, title: str, values: Sequence[str], fillers: int) -> str:
    """The opening, then facts and fillers in random order."""
    facts = [
        item.statement.format(value, a=with_article(value))
        for item, value in zip(subject.attributes, values, strict=True)
    ]
    return " ".join([subject.opening.format(title), *rng.shuffled([*facts, *(filler(rng) for _ in range(fillers))])])
