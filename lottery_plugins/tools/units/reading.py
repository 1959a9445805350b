"""Reading "5 ft 11 in to cm": numbers, unit expressions and what to convert to. Knows no unit by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Factor", "Question", "Term", "UnitsError", "read_question"]

MAX_POWER = 9
_MAX_FACTORS = 8

_SEPARATORS = (r"\s*(?:->|=>|→|=)\s*", r"\s+into(?=\s)", r"\s+to(?=\s)", r"\s+as(?=\s)", r"\s+in(?=\s)")
_HOW_MANY = re.compile(r"how (?:many|much)\s+(.+?)\s+(?:are (?:there )?in|is|are|in|make up)\s+(.+)", re.IGNORECASE)
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d{1,40})?(?:(?<=\d)\.\d{0,40}|\.\d{1,40}|(?<=\d))(?:[eE][+-]?\d{1,3})?"
_AMOUNT = re.compile(rf"(?:([+-])\s*)?(?:({_NUMBER})(?:\s+(\d{{1,9}})/(\d{{1,9}})|\s*/\s*(\d{{1,9}}))?(?![\w.]*\d))\s*")
_NAME = r"[A-Za-zµμ°ΩÅ℃℉%][A-Za-zµμ°ΩÅ℃℉_]*"
_TOKEN = re.compile(
    rf"\s*(?:(?P<name>{_NAME})(?P<digit>\d)?|(?P<power>(?:\^|\*\*)\s*(?:\((-?\d)\)|(-?\d)))|(?P<sup>[⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹])|(?P<sign>[*·\u00d7/()-]))"
)
_SUPERSCRIPT = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_POWER_WORDS = {"square": 2, "sq": 2, "cubic": 3, "squared": 2, "cubed": 3}


class UnitsError(Exception):
    """A question that can't be answered.

    Attributes:
        problem: What is wrong, as a phrase for the model.
        category: As in `ToolError`.
    """

    def __init__(self, problem: str, category: str = "arguments") -> None:
        super().__init__(problem)
        self.problem, self.category = problem, category


@dataclass(frozen=True, slots=True)
class Factor:
    """One unit of a product and its power. Several words may be one unit: ("nautical", "miles")."""

    words: tuple[str, ...]
    power: int


@dataclass(frozen=True, slots=True)
class Term:
    """An amount of a product of units."""

    amount: Fraction
    units: tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """The sum of terms to be converted, and the units wanted, also as they were written."""

    terms: tuple[Term, ...]
    target: tuple[Factor, ...]
    target_text: str


def read_question(text: str) -> Question:
    """A question such as "5 ft 11 in to cm", "how many feet are in 2 miles" or "20 degC in degF".

    Raises:
        UnitsError: It is none.
    """
    text = re.sub(
        r"^(?:please )?(?:convert|what is|how much is)\s+", "", " ".join(text.split()).rstrip(" ?."), flags=re.I
    )
    how_many = _HOW_MANY.fullmatch(text)
    pairs = [(how_many[2], how_many[1])] if how_many else list(_splits(text))
    if not pairs:
        raise UnitsError("it is not said what to convert to")
    for source, target in pairs:
        try:
            return Question(_terms(source), _units(target), target)
        except UnitsError as error:
            problem = error
    raise problem


def _splits(text: str) -> Iterator[tuple[str, str]]:
    """Where the text can be cut into what there is and what is wanted, likeliest first."""
    for separator in _SEPARATORS:
        for match in reversed(list(re.finditer(separator, text))):
            if text[: match.start()].strip() and text[match.end() :].strip():
                yield text[: match.start()], text[match.end() :].strip()


def _terms(text: str) -> tuple[Term, ...]:
    """A number and its units, or several: "5 ft 11 in"."""
    text = re.sub(r"^an?\s+", "1 ", text)
    starts = [m for m in _AMOUNT.finditer(text) if m.start() == 0 or text[m.start() - 1] in " ,"]
    if not starts or starts[0].start() != 0:
        raise UnitsError(f"{text[:60]!r} does not begin with a number")
    ends = [*(match.start() for match in starts[1:]), len(text)]
    terms = []
    for match, end in zip(starts, ends, strict=True):
        written = re.sub(r"(?:\band|,)\s*$", "", text[match.end() : end].strip()).strip()
        terms.append(Term(_amount(match), _units(written, f" after {match[0].strip()!r}")))
    return tuple(terms)


def _amount(match: re.Match[str]) -> Fraction:
    sign, number, numerator, denominator, divisor = match.groups()
    value = Fraction(number.replace(",", ""))
    if (denominator and not int(denominator)) or (divisor and not int(divisor)):
        raise UnitsError("a number is divided by zero", "domain")
    if denominator:
        value += Fraction(int(numerator), int(denominator))
    if divisor:
        value /= int(divisor)
    return -value if sign == "-" else value


def _units(text: str, place: str = "") -> tuple[Factor, ...]:
    """A product of units: "km/h", "kg*m^2/s^2", "square miles", "m2", "miles per hour"."""
    if not text:
        raise UnitsError(f"a unit is missing{place}")
    over = re.match(r"1\s*/", text)  # "1/m"
    reader = _UnitReader(text[over.end() :] if over else text)
    factors = reader.product(1, -1 if over else 1)
    if reader.at < len(reader.tokens) or not factors or len(factors) > _MAX_FACTORS:
        raise UnitsError(f"cannot read the unit {text[:60]!r}")
    return tuple(factors)


class _UnitReader:
    """Reads one unit expression from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.at = text, self._split(text), 0

    @staticmethod
    def _split(text: str) -> list[re.Match[str]]:
        tokens: list[re.Match[str]] = []
        end = 0
        while end < len(text.rstrip()):
            match = _TOKEN.match(text, end)
            if match is None:
                raise UnitsError(f"cannot read the unit {text[:60]!r} at {text[end : end + 5].strip()!r}")
            tokens.append(match)
            end = match.end()
        return tokens

    def product(self, sign: int, direction: int) -> list[Factor]:
        """Factors up to a closing bracket or the end; those behind "/" or "per" have negative powers.

        Args:
            sign: Of the whole product.
            direction: Sign of its first factor.
        """
        factors: list[Factor] = []
        is_open = False
        while self.at < len(self.tokens) and self.tokens[self.at]["sign"] != ")":
            token = self.tokens[self.at]
            word = (token["name"] or "").lower()
            if token["sign"] in ("*", "·", "\u00d7", "-", "/") or word == "per":
                if not factors or is_open:
                    raise UnitsError(f"cannot read the unit {self.text[:60]!r}")
                direction = (
                    -sign if token["sign"] == "/" or word == "per" else direction if token["sign"] == "-" else sign
                )
                is_open, self.at = True, self.at + 1
                continue
            factors += self._factor(direction)
            is_open = False
        if is_open:
            raise UnitsError(f"cannot read the unit {self.text[:60]!r}")
        return factors

    def _factor(self, sign: int) -> list[Factor]:
        """A bracket, or a unit of one or several words, with its power."""
        if self.tokens[self.at]["sign"] == "(":
            self.at += 1
            inner = self.product(sign, sign)
            if self.at == len(self.tokens):
                raise UnitsError(f"a bracket is not closed in {self.text[:60]!r}")
            self.at += 1
            power = self._power()
            return [Factor(factor.words, _checked(factor.power * power)) for factor in inner]
        words: list[str] = []
        power = 1
        while self.at < len(self.tokens) and (token := self.tokens[self.at])["name"] and token["name"].lower() != "per":
            word = token["name"]
            if word.lower() in _POWER_WORDS and (words or self._has_name_next()):
                is_behind = word.lower().endswith("d")
                if not is_behind and words:
                    break
                power *= _POWER_WORDS[word.lower()]
                self.at += 1
                if is_behind:
                    break
                continue
            words.append(word)
            self.at += 1
            if token["digit"]:
                power *= int(token["digit"])
                break
        power *= self._power()
        if not words:
            raise UnitsError(f"cannot read the unit {self.text[:60]!r}")
        return [Factor(tuple(words), _checked(sign * power))]

    def _has_name_next(self) -> bool:
        return self.at + 1 < len(self.tokens) and bool(self.tokens[self.at + 1]["name"])

    def _power(self) -> int:
        """The exponent that stands here, else 1."""
        if self.at == len(self.tokens):
            return 1
        token = self.tokens[self.at]
        if token["power"]:
            self.at += 1
            return int(token[4] or token[5])
        if token["sup"]:
            self.at += 1
            return int(token["sup"].translate(_SUPERSCRIPT))
        return 1


def _checked(power: int) -> int:
    if not power or abs(power) > MAX_POWER:
        raise UnitsError(f"powers of units are from 1 to {MAX_POWER}")
    return power
