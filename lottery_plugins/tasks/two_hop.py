"""Ability 5, long-context reasoning: two facts far apart in a long text must be joined.

Source: the two-supporting-facts task of bAbI (Weston et al. 2015, arXiv:1502.05698) in a long text, as in BABILong
(Kuratov et al. 2024, arXiv:2406.10149). Deviation: the text and the facts are generated here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.tasks.knobs import TaskKnobs, knob, read_knobs
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import value_score
from lottery_plugins.tasks.splits import Row, make_splits
from lottery_plugins.tasks.words import NAMES, THINGS, VALUES, count_words, filler, sentence_count, word_list

__all__ = ["TwoHopKnobs", "build", "make_row", "score"]

CITIES = word_list(
    "Amsterdam Athens Berlin Boston Cairo Chicago Denver Dublin Geneva Havana Helsinki Kyoto Lima Lisbon London "
    "Madrid Montreal Moscow Munich Naples Oslo Paris Prague Rome Seattle Sydney Tokyo Venice Vienna Warsaw"
)
TREES = word_list(
    "Apple Ash Beech Birch Cedar Chestnut Elm Fir Hazel Juniper Laurel Linden Maple Oak Olive Pine Poplar Willow"
)
ROOMS = word_list(
    "attic balcony basement bathroom bedroom cellar garage garden hallway kitchen library nursery office pantry"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoHopKnobs(TaskKnobs):
    """Knobs of the two-hop task.

    Attributes:
        two_hop_lengths: Lengths of the text in tokens of an English vocabulary, about.
        two_hop_chains: Pairs of facts in the text, the asked one included.
        two_hop_gaps: Distance between the facts of a pair, as a share of the text; 0 puts them side by side.
    """

    two_hop_lengths: tuple[int, ...] = knob((128, 256, 512), 32, 1_000_000)
    two_hop_chains: int = knob(4, 2, 12)
    two_hop_gaps: tuple[float, ...] = knob((0.0, 0.5), 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Template:
    """A pair of relations: person to link, link to place."""

    name: str
    first: str
    second: str
    question: str
    links: Sequence[str]
    places: Sequence[str]


TEMPLATES = (
    Template(
        "street",
        "{person} works in the {link}.",
        "The {link} is on {place} Street.",
        "{person} works in a building. On which street is this building?",
        THINGS,
        TREES,
    ),
    Template(
        "city",
        "{person} is married to {link}.",
        "{link} lives in {place}.",
        "In which city does the person who is married to {person} live?",
        NAMES,
        CITIES,
    ),
    Template(
        "room",
        "{person} owns the {link}.",
        "The {link} is in the {place}.",
        "In which room is the thing that {person} owns?",
        VALUES,
        ROOMS,
    ),
)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval; examples for few-shot have the shortest length."""
    knobs = read_knobs(TwoHopKnobs, "two_hop", metadata)
    shortest = min(knobs.two_hop_lengths)
    return make_splits(
        "two_hop",
        lambda rng, index: make_row(rng, index, knobs, knobs.two_hop_lengths),
        knobs,
        lambda rng, index: make_row(rng, index, knobs, (shortest,)),
    )


def make_row(rng: Rng, index: int, knobs: TwoHopKnobs, lengths: Sequence[int]) -> Row:
    """One document; consecutive ones walk through lengths, then templates, then gaps."""
    round_, length_index = divmod(index, len(lengths))
    more, template_index = divmod(round_, len(TEMPLATES))
    template, length = TEMPLATES[template_index], lengths[length_index]
    gap = knobs.two_hop_gaps[more % len(knobs.two_hop_gaps)]
    count = knobs.two_hop_chains
    people = rng.sample(NAMES, count)
    links = rng.sample([link for link in template.links if link not in people and link not in template.places], count)
    places = rng.sample(template.places, count)
    firsts = [template.first.format(person=p, link=k) for p, k in zip(people, links, strict=True)]
    seconds = [template.second.format(link=k, place=p) for k, p in zip(links, places, strict=True)]
    used = sum(map(count_words, [*firsts, *seconds]))
    sentences = [filler(rng) for _ in range(sentence_count(length, used))]
    return {
        "context": " ".join(_mixed(rng, list(zip(firsts, seconds, strict=True)), sentences, gap)),
        "question": template.question.format(person=people[0]),
        "answer": places[0],
        "distractors": places[1:],
        "bridge": links[0],
        "length": length,
        "gap": gap,
        "template": template.name,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the place is named and no other place of its kind is."""
    places = next(t.places for t in TEMPLATES if t.name == doc["template"])
    return {"acc": value_score(results[0], [doc["answer"]], places)}


def _mixed(rng: Rng, chains: Sequence[tuple[str, str]], fillers: Sequence[str], gap: float) -> list[str]:
    """The chains' facts at random places among the fillers, the two facts of a chain `gap` apart, first hop first."""
    scale = 1_000_000
    apart = round(gap * scale)
    placed = [((2 * i + 1) * scale // (2 * len(fillers)), sentence) for i, sentence in enumerate(fillers)]
    for first, second in chains:
        at = rng.below(scale - apart + 1)
        placed += [(at, first), (at + apart, second)]
    return [sentence for _, sentence in sorted(placed, key=lambda item: item[0])]
