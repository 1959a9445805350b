"""A quantity is told by others, which are told by others: a tree of sub-questions, by depth and length of the text.

At depth 0 the number asked for stands in the text; at depth d it takes 2 ** d numbers and 2 ** d - 1 steps.

Source: the lottery hypothesis's tree of sub-problems (arXiv:2502.17535, ability 5), and nested list operations
(ListOps, Nangia and Bowman 2018, arXiv:1804.06028), here as sentences that lie apart in a long text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lottery_plugins.tasks.design import Design
from lottery_plugins.tasks.haystack import STYLES, Fact, hide
from lottery_plugins.tasks.knobs import TaskKnobs, knob, read_knobs, words_knob
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import number_score
from lottery_plugins.tasks.splits import Row, make_splits_by
from lottery_plugins.tasks.words import NAMES, coin_words

__all__ = ["TreeKnobs", "build", "make_row", "score"]

OPERATIONS: Mapping[str, Callable[[int, int], int]] = {"sum": lambda a, b: a + b, "larger": max, "smaller": min}
_VALUES = range(2, 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeKnobs(TaskKnobs):
    """Knobs of the tree of sub-questions.

    Attributes:
        tree_depths: Levels of sub-questions below the question.
        tree_lengths: Lengths of the text in tokens of an English vocabulary, about.
        tree_strangers: Numbers in the text that the answer does not depend on.
        tree_operations: How a quantity follows from two others.
        tree_styles: What the text is.
    """

    tree_depths: tuple[int, ...] = knob((0, 1, 2, 3), 0, 4)
    tree_lengths: tuple[int, ...] = knob((64, 256, 512), 32, 1_000_000)
    tree_strangers: tuple[int, ...] = knob((0, 4), 0, 12)
    tree_operations: tuple[str, ...] = words_knob(tuple(OPERATIONS))
    tree_styles: tuple[str, ...] = words_knob(STYLES)


@dataclass(frozen=True, slots=True)
class Template:
    """How a number is told, directly or by two others."""

    name: str
    has_invented_names: bool
    leaf: str
    nodes: Mapping[str, str]
    question: str


TEMPLATES = (
    Template(
        "coins",
        False,
        "{a} has {value} coins.",
        {
            "sum": "{a} has as many coins as {b} and {c} together.",
            "larger": "{a} has as many coins as the richer one of {b} and {c}.",
            "smaller": "{a} has as many coins as the poorer one of {b} and {c}.",
        },
        "How many coins does {a} have?",
    ),
    Template(
        "shops",
        True,
        "The town of {a} has {value} shops.",
        {
            "sum": "The town of {a} has as many shops as {b} and {c} together.",
            "larger": "The town of {a} has as many shops as {b} or {c}, whichever has more.",
            "smaller": "The town of {a} has as many shops as {b} or {c}, whichever has fewer.",
        },
        "How many shops does the town of {a} have?",
    ),
    Template(
        "number",
        False,
        "The number of {a} is {value}.",
        {
            "sum": "The number of {a} is the sum of the numbers of {b} and {c}.",
            "larger": "The number of {a} is the larger one of the numbers of {b} and {c}.",
            "smaller": "The number of {a} is the smaller one of the numbers of {b} and {c}.",
        },
        "What is the number of {a}?",
    ),
)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval; examples for few-shot have the shortest length."""
    knobs = read_knobs(TreeKnobs, "tree", metadata)
    return make_splits_by("tree", knobs, lambda k: partial(make_row, k, _design(k)), easiest="tree_lengths")


def _design(knobs: TreeKnobs) -> Design:
    return Design(
        "tree",
        grid={"depth": knobs.tree_depths, "length": knobs.tree_lengths},
        mixed={"strangers": knobs.tree_strangers, "template": TEMPLATES, "style": knobs.tree_styles},
    )


def make_row(knobs: TreeKnobs, design: Design, rng: Rng, index: int) -> Row:
    """One document. Node i of the tree has the children 2i + 1 and 2i + 2."""
    levels = design.levels(index)
    template: Template = levels["template"]
    inner, leaves = 2 ** levels["depth"] - 1, 2 ** levels["depth"]
    names = _names(rng, template, inner + leaves + levels["strangers"])
    numbers = rng.sample(_VALUES, leaves + levels["strangers"])
    operations = [rng.choice(knobs.tree_operations) for _ in range(inner)]
    values = [0] * inner + numbers
    for i in reversed(range(inner)):
        values[i] = OPERATIONS[operations[i]](values[2 * i + 1], values[2 * i + 2])
    facts = [
        template.nodes[operation].format(a=names[i], b=names[2 * i + 1], c=names[2 * i + 2])
        for i, operation in enumerate(operations)
    ]
    facts += [template.leaf.format(a=names[inner + i], value=number) for i, number in enumerate(numbers)]
    return {
        "context": hide(rng, levels["style"], levels["length"], [Fact(fact) for fact in rng.shuffled(facts)]),
        "question": template.question.format(a=names[0]),
        "answer": str(values[0]),
        "candidates": [str(number) for number in numbers] if len(numbers) > 1 else [],
        **levels,
        "template": template.name,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the stated number is the right one."""
    return {"acc": number_score(results[0], doc["answer"])}


def _names(rng: Rng, template: Template, count: int) -> list[str]:
    return coin_words(rng, count) if template.has_invented_names else rng.sample(NAMES, count)
