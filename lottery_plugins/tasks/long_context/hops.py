"""Several facts must be followed one after the other; other chains of the same kind stand in the same text.

Source: MuSiQue's chains of two to four hops (Trivedi et al. 2022, arXiv:2108.00573), in a long text as in BABILong
(Kuratov et al. 2024, arXiv:2406.10149). Deviation: text and facts are generated. One hop is plain retrieval in the same
words, the level that the others are read against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from lottery_plugins.tasks.design import Design
from lottery_plugins.tasks.haystack import STYLES, Fact, hide
from lottery_plugins.tasks.knobs import TaskKnobs, knob, read_knobs, words_knob
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import value_score
from lottery_plugins.tasks.splits import Row, make_splits_by
from lottery_plugins.tasks.words import CITIES, NAMES, ROOMS, THINGS, VALUES

__all__ = ["HopsKnobs", "build", "make_row", "score"]

ORDERS = ("forward", "shuffled")


@dataclass(frozen=True, slots=True, kw_only=True)
class HopsKnobs(TaskKnobs):
    """Knobs of the multi-hop task.

    Attributes:
        hops_counts: Facts to be joined, the one with the answer included.
        hops_lengths: Lengths of the text in tokens of an English vocabulary, about.
        hops_chains: Chains in the text, the asked one included.
        hops_orders: Whether the facts of a chain stand in its order.
        hops_styles: What the text is.
    """

    hops_counts: tuple[int, ...] = knob((1, 2, 3, 4), 1, 4)
    hops_lengths: tuple[int, ...] = knob((64, 256, 512), 32, 1_000_000)
    hops_chains: tuple[int, ...] = knob((1, 2, 4), 1, 6)
    hops_orders: tuple[str, ...] = words_knob(ORDERS, is_graded=True)
    hops_styles: tuple[str, ...] = words_knob(STYLES)


@dataclass(frozen=True, slots=True)
class Template:
    """A relation that goes on from link to link, and one that ends it."""

    name: str
    links: Sequence[str]
    ends: Sequence[str]
    link: str
    end: str
    question: str
    wrap: str = "{}"


TEMPLATES = (
    Template(
        "boss",
        NAMES,
        CITIES,
        "The boss of {a} is {b}.",
        "{a} lives in {b}.",
        "In which city does {} live?",
        "the boss of {}",
    ),
    Template(
        "friend",
        NAMES,
        VALUES,
        "The best friend of {a} is {b}.",
        "{a} has bought the {b}.",
        "What has {} bought?",
        "the best friend of {}",
    ),
    Template(
        "teacher",
        NAMES,
        ROOMS,
        "The teacher of {a} is {b}.",
        "{a} is in the {b}.",
        "In which room is {}?",
        "the teacher of {}",
    ),
    Template(
        "neighbor",
        NAMES,
        VALUES,
        "The neighbor of {a} is {b}.",
        "The favorite word of {a} is {b}.",
        "What is the favorite word of {}?",
        "the neighbor of {}",
    ),
    Template(
        "note",
        THINGS,
        VALUES,
        "The note in the {a} says: go to the {b}.",
        "The note in the {a} says: take the {b}.",
        "Begin with the note in the {} and do what the notes say. What do you take in the end?",
    ),
)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval; examples for few-shot have the shortest length."""
    knobs = read_knobs(HopsKnobs, "hops", metadata)
    return make_splits_by("hops", knobs, lambda k: partial(make_row, _design(k)), easiest="hops_lengths")


def _design(knobs: HopsKnobs) -> Design:
    return Design(
        "hops",
        grid={"hops": knobs.hops_counts, "length": knobs.hops_lengths},
        mixed={
            "chains": knobs.hops_chains,
            "template": TEMPLATES,
            "order": knobs.hops_orders,
            "style": knobs.hops_styles,
        },
    )


def make_row(design: Design, rng: Rng, index: int) -> Row:
    """One document."""
    levels = design.levels(index)
    template: Template = levels["template"]
    hops, count = levels["hops"], levels["chains"]
    ends = rng.sample(template.ends, count)
    links = rng.sample([link for link in template.links if link not in ends], count * hops)
    chains = [links[i * hops : (i + 1) * hops] for i in range(count)]
    facts = [fact for chain, end in zip(chains, ends, strict=True) for fact in _facts(rng, levels, chain, end)]
    start = chains[0][0]
    for _ in range(hops - 1):
        start = template.wrap.format(start)
    return {
        "context": hide(rng, levels["style"], levels["length"], facts),
        "question": template.question.format(start),
        "answer": ends[0],
        "candidates": ends if count > 1 else [],
        **levels,
        "template": template.name,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the end of the chain is named and no other of its kind is."""
    ends = next(template.ends for template in TEMPLATES if template.name == doc["template"])
    return {"acc": value_score(results[0], [doc["answer"]], ends)}


def _facts(rng: Rng, levels: Mapping[str, Any], chain: Sequence[str], end: str) -> list[Fact]:
    """The facts of one chain at random places, which ascend where the order is forward."""
    template: Template = levels["template"]
    said = [template.link.format(a=a, b=b) for a, b in pairwise(chain)]
    said.append(template.end.format(a=chain[-1], b=end))
    places = [rng.below(1000) / 1000 for _ in said]
    if levels["order"] == "forward":
        places.sort()
    return [Fact(text, place) for text, place in zip(said, places, strict=True)]
