"""Ability 1, retrieval from prompts: a fact hidden in a long text, by length and depth.

Source: the needle-in-a-haystack test (Kamradt 2023) in its multi-key form (RULER, Hsieh et al. 2024, arXiv:2404.06654).
Deviation: the haystack is generated, not essays, so nothing is downloaded and no model has read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.tasks.knobs import TaskKnobs, knob, read_knobs
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import value_score
from lottery_plugins.tasks.splits import Row, make_splits
from lottery_plugins.tasks.words import NAMES, THINGS, VALUES, count_words, filler, sentence_count

__all__ = ["NeedleKnobs", "build", "make_row", "score"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedleKnobs(TaskKnobs):
    """Knobs of the needle task.

    Attributes:
        needle_lengths: Lengths of the text in tokens of an English vocabulary, about.
        needle_depths: Places of the needle, 0 at the beginning and 1 at the end.
        needle_distractors: Sentences of the same form about another key.
    """

    needle_lengths: tuple[int, ...] = knob((256, 512, 1024), 32, 1_000_000)
    needle_depths: tuple[float, ...] = knob((0.0, 0.25, 0.5, 0.75, 1.0), 0.0, 1.0)
    needle_distractors: int = knob(3, 0, 20)


@dataclass(frozen=True, slots=True)
class Template:
    """How a needle is said and asked for."""

    name: str
    needle: str
    question: str
    keys: Sequence[str]
    is_number: bool


TEMPLATES = (
    Template("code", "The secret code of the {key} is {value}.", "What is the secret code of the {key}?", THINGS, True),
    Template("word", "The favorite word of {key} is {value}.", "What is the favorite word of {key}?", NAMES, False),
    Template("number", "The magic number of {key} is {value}.", "What is the magic number of {key}?", NAMES, True),
    Template("password", "The password of the {key} is {value}.", "What is the password of the {key}?", THINGS, False),
)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval; examples for few-shot have the shortest length."""
    knobs = read_knobs(NeedleKnobs, "needle", metadata)
    shortest = min(knobs.needle_lengths)
    return make_splits(
        "needle",
        lambda rng, index: make_row(rng, index, knobs, knobs.needle_lengths),
        knobs,
        lambda rng, index: make_row(rng, index, knobs, (shortest,)),
    )


def make_row(rng: Rng, index: int, knobs: NeedleKnobs, lengths: Sequence[int]) -> Row:
    """One document; consecutive ones walk through length x depth, and a cell's next turn has the next template."""
    round_, cell = divmod(index, len(lengths) * len(knobs.needle_depths))
    depth_index, length_index = divmod(cell, len(lengths))
    template = TEMPLATES[(round_ + cell) % len(TEMPLATES)]
    length, depth = lengths[length_index], knobs.needle_depths[depth_index]
    count = 1 + knobs.needle_distractors
    keys = rng.sample(template.keys, count)
    values = _numbers(rng, count) if template.is_number else rng.sample(VALUES, count)
    needles = [template.needle.format(key=key, value=value) for key, value in zip(keys, values, strict=True)]
    question = template.question.format(key=keys[0])
    sentences = [filler(rng) for _ in range(sentence_count(length, sum(map(count_words, needles))))]
    for needle in needles[1:]:
        sentences.insert(rng.below(len(sentences) + 1), needle)
    sentences.insert(round(depth * len(sentences)), needles[0])
    return {
        "context": " ".join(sentences),
        "question": question,
        "answer": values[0],
        "distractors": values[1:],
        "length": length,
        "depth": depth,
        "template": template.name,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the value is named and no other value of the text or of the list of values is."""
    return {"acc": value_score(results[0], [doc["answer"]], [*doc["distractors"], *VALUES])}


def _numbers(rng: Rng, count: int) -> list[str]:
    """Different numbers of five digits."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[str(rng.between(10_000, 99_999))] = None
    return list(found)
