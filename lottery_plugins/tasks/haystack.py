"""Long texts about nothing, in several styles, with facts hidden in them.

    prose      sentences about people without a name: "The postman drank a cup of tea near the river before noon."
    records    one line an entry: "wool scarf: sold, front shelf"
    noise      a few short sentences, over and over: "The grass is green. The sky is blue."

No style holds a digit, a name of `words.NAMES`, or a word that is a value or a key of a task.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.words import filler, word_list

__all__ = ["STYLES", "Fact", "about_tokens", "hide"]

STYLES = ("prose", "records", "noise")

_TOKENS_PER_UNIT = {"prose": 15.4, "records": 9.1, "noise": 5.25}  # of SmolLM2; see benchmarks/task_generation.py
_JOINTS = {"prose": " ", "records": "\n", "noise": " "}

_NOISE = word_list(
    "The grass is green.|The sky is blue.|The road is long.|Here it goes again.|The wind comes and goes.|"
    "On and on it runs.|The sun is warm.|And so it was."
)
_MATERIALS = word_list("wool linen oak pine brass steel glass paper leather velvet clay stone wicker cork felt satin")
_GOODS = word_list(
    "scarf coat chair table lamp bowl jar frame hat glove bench shelf tray vase rug belt cup plate blanket desk"
)
_STATES = word_list("sold|in stock|on order|reserved|returned|on sale|damaged|checked")
_SHELVES = word_list("front shelf|back shelf|top shelf|lower shelf|left wall|right wall|main floor|store window")
_RECORDS = len(_MATERIALS) * len(_GOODS) * len(_STATES) * len(_SHELVES)

_TOKEN = re.compile(r"[A-Za-z]{1,7}|[0-9]|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Fact:
    """A sentence to hide.

    Attributes:
        text: The sentence.
        place: Where it stands in the text, 0 at the beginning and 1 at the end; None is anywhere.
    """

    text: str
    place: float | None = None


def hide(rng: Rng, style: str, tokens: int, facts: Sequence[Fact]) -> str:
    """A text of about `tokens` tokens in one of `STYLES`, with the facts at their places.

    Facts that share a place keep their order. The text is never shorter than its facts.
    """
    left = tokens - sum(about_tokens(fact.text) for fact in facts)
    count = max(0, round(left / _TOKENS_PER_UNIT[style]))
    slots: list[list[str]] = [[] for _ in range(count + 1)]
    for fact in facts:
        slot = rng.below(count + 1) if fact.place is None else round(fact.place * count)
        slots[slot].append(fact.text)
    start = rng.below(len(_NOISE))
    units: list[str] = []
    for i in range(count):
        units += slots[i]
        units.append(_unit(rng, style, start + i))
    return _JOINTS[style].join(units + slots[count])


def about_tokens(text: str) -> int:
    """Tokens of a short text in an English byte-pair vocabulary that splits numbers into digits, about."""
    return len(_TOKEN.findall(text))


def _unit(rng: Rng, style: str, index: int) -> str:
    if style == "prose":
        return filler(rng)
    if style == "noise":
        return _NOISE[index % len(_NOISE)]
    draw = rng.below(_RECORDS)
    draw, material = divmod(draw, len(_MATERIALS))
    draw, good = divmod(draw, len(_GOODS))
    shelf, state = divmod(draw, len(_STATES))
    return f"{_MATERIALS[material]} {_GOODS[good]}: {_STATES[state]}, {_SHELVES[shelf]}"
