"""Ability 2, external resources: exact arithmetic that is one line for a calculator and too long for a head.

Source: the idea of GSM-Hard (Gao et al. 2022, PAL, arXiv:2211.10435): easy steps, large numbers. All problems are
generated here; none is taken from that set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lottery_plugins.tasks.knobs import TaskKnobs, knob, read_knobs
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import number_score
from lottery_plugins.tasks.splits import Row, make_splits
from lottery_plugins.tasks.words import NAMES, word_list

__all__ = ["ArithmeticKnobs", "build", "make_row", "score"]

GOODS = word_list("lamps chairs books plates jackets boxes bottles candles notebooks ropes tiles mirrors")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArithmeticKnobs(TaskKnobs):
    """Knobs of the arithmetic task.

    Attributes:
        arithmetic_digits: Digits of the operands.
    """

    arithmetic_digits: tuple[int, ...] = knob((3, 4), 1, 30)


@dataclass(frozen=True, slots=True)
class Exercise:
    """A question with the expression that answers it and the exact value."""

    question: str
    expression: str
    value: Fraction


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(ArithmeticKnobs, "arithmetic", metadata)
    return make_splits("arithmetic", lambda rng, index: make_row(rng, index, knobs), knobs)


def make_row(rng: Rng, index: int, knobs: ArithmeticKnobs) -> Row:
    """One document; consecutive ones walk through the templates, then the numbers of digits."""
    round_, template_index = divmod(index, len(TEMPLATES))
    digits = knobs.arithmetic_digits[round_ % len(knobs.arithmetic_digits)]
    name, template = TEMPLATES[template_index]
    exercise = template(rng, digits)
    return {
        "question": exercise.question,
        "answer": _plain(exercise.value),
        "expression": exercise.expression,
        "digits": digits,
        "template": name,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when the stated number is exact."""
    return {"acc": number_score(results[0], doc["answer"])}


def _number(rng: Rng, digits: int) -> int:
    return rng.between(10 ** (digits - 1) + 1, 10**digits - 1)


def _plain(value: Fraction) -> str:
    """Decimal notation of a value with at most two decimals, without trailing zeros."""
    whole, cents = divmod(abs(value.numerator) * (100 // value.denominator), 100)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}" + (f".{cents:02d}".rstrip("0") if cents else "")


def _expression(rng: Rng, digits: int) -> Exercise:
    a, b, c = (_number(rng, digits) for _ in range(3))
    sign = rng.choice("+-")
    text = f"{a} * {b} {sign} {c}"
    return Exercise(f"What is {text}?", text, Fraction(a * b + (c if sign == "+" else -c)))


def _decimals(rng: Rng, digits: int) -> Exercise:
    a, b, c = (Fraction(_number(rng, digits + 2), 100) for _ in range(3))
    text = f"{_plain(a)} + {_plain(b)} - {_plain(c)}"
    return Exercise(f"What is {text}?", text, a + b - c)


def _crates(rng: Rng, digits: int) -> Exercise:
    crates, each = _number(rng, digits), _number(rng, digits)
    sold, goods, name = rng.between(1, crates * each), rng.choice(GOODS), rng.choice(NAMES)
    question = (
        f"{name} has {crates} crates with {each} {goods} in each. {name} sells {sold} {goods}. "
        f"How many {goods} are left?"
    )
    return Exercise(question, f"{crates} * {each} - {sold}", Fraction(crates * each - sold))


def _prices(rng: Rng, digits: int) -> Exercise:
    first, second = _number(rng, digits), _number(rng, digits)
    a, b = Fraction(rng.between(101, 9999), 100), Fraction(rng.between(101, 9999), 100)
    one, two = rng.sample(GOODS, 2)
    question = (
        f"{rng.choice(NAMES)} buys {first} {one} for {_plain(a)} dollars each and {second} {two} for "
        f"{_plain(b)} dollars each. How many dollars does everything cost?"
    )
    return Exercise(question, f"{first} * {_plain(a)} + {second} * {_plain(b)}", first * a + second * b)


def _shares(rng: Rng, digits: int) -> Exercise:
    people, each, lost = _number(rng, digits), _number(rng, digits), _number(rng, digits)
    goods, total = rng.choice(GOODS), people * each + lost
    question = (
        f"A factory makes {total} {goods}. {lost} of them are broken. The others are shared equally among "
        f"{people} shops. How many {goods} does each shop get?"
    )
    return Exercise(question, f"({total} - {lost}) / {people}", Fraction(each))


TEMPLATES: tuple[tuple[str, Callable[[Rng, int], Exercise]], ...] = (
    ("expression", _expression),
    ("crates", _crates),
    ("decimals", _decimals),
    ("prices", _prices),
    ("shares", _shares),
)
