"""Ability 2, external resources: know what one does not know, so that one looks it up instead of making it up.

Four questions of five ask for a common fact, one for the same of something invented: there "unknown" is right, or a
request to search. Source: the contrast of popular and unpopular facts in PopQA (Mallen et al. 2023, arXiv:2212.10511),
with facts written here and inventions in the place of the unpopular ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.tasks.knobs import knob, read_knobs
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.resources.common_facts import RELATIONS, Relation
from lottery_plugins.tasks.scoring import answer_span, simplify, value_score
from lottery_plugins.tasks.solved import SolvedKnobs, make_solved_splits
from lottery_plugins.tasks.splits import Row
from lottery_plugins.tasks.walk import Walk
from lottery_plugins.tasks.words import coin_word

__all__ = ["UNKNOWN", "KnownKnobs", "build", "make_row", "score"]

UNKNOWN = "unknown"
"""What the model answers when it can't know."""

_SAYS_UNKNOWN = re.compile(
    r"\bunknown\b|\b(?:unsure|not sure|no idea|not known|not familiar|not aware|fictional|made[- ]up)\b"
    r"|\b(?:do|does|did|can|could)(?: not|n'?t)(?: \w+){0,2} (?:know|exist|find|tell|answer)\b|\bcannot\b"
    r"|\bno (?:such|information|record)|\bsearch(?:_\w+)?\(|\b(?:search|look) (?:for|up|it up)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKnobs(SolvedKnobs):
    """Knobs of the known and the unknown.

    Attributes:
        known_tiers: 1 for facts that a child knows, 2 for those of school.
    """

    num_solved: int = knob(3, 0, 50)
    known_tiers: tuple[int, ...] = knob((1, 2), 1, 2)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(KnownKnobs, "known", metadata)
    return make_solved_splits(
        "known_unknown", lambda rng, index: make_row(rng, index, knobs), knobs, _guesses, kinds=len(MIX)
    )


def make_row(rng: Rng, index: int, knobs: KnownKnobs) -> Row:
    """One document; consecutive ones walk through known and unknown, then the relations, then the tiers."""
    walk = Walk(index)
    is_known, relation, tier = walk.along(MIX), walk.along(RELATIONS), walk.along(knobs.known_tiers)
    facts = relation.facts[tier - 1]
    subject = rng.choice(list(facts)) if is_known else relation.invented.format(name=coin_word(rng))
    accepted = facts[subject].split("/") if is_known else [UNKNOWN]
    return {
        "question": relation.question.format(subject=subject),
        "answer": accepted[0],
        "accepted": accepted,
        "others": [value for value in _values(relation) if value not in (*accepted, *subject.split())],
        "kind": "known" if is_known else "unknown",
        "tier": tier,
        "template": relation.name,
    }


def _guesses(rng: Rng, row: Row) -> list[str]:
    """Always "unknown"."""
    return [UNKNOWN]


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float | None]:
    """`known`: the right answer; `unknown`: no answer but "unknown" or a search; None where it was not asked for."""
    text = results[0]
    if doc["kind"] == "known":
        right = value_score(text, doc["accepted"], [*doc["others"], UNKNOWN])
        return {"acc": right, "known": right, "unknown": None}
    is_said = _SAYS_UNKNOWN.search(simplify(answer_span(text))) is not None
    said = re.findall(r"\w+", text.casefold())
    right = float(is_said and not any(value.casefold() in said for value in doc["others"]))
    return {"acc": right, "known": None, "unknown": right}


def _values(relation: Relation) -> list[str]:
    """All accepted answers of a relation."""
    return sorted({value for facts in relation.facts for answers in facts.values() for value in answers.split("/")})


MIX = (True, False, True, True, True)
