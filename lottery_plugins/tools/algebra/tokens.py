"""Cutting algebra into tokens, with the spellings that models use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from lottery_plugins.tools.arithmetic.tokens import UnreadableError

__all__ = ["Token", "tokenize"]

SIGNS = {
    "**": "**", "^": "**", "*": "*", "×": "*", "·": "*", "⋅": "*",  # noqa: RUF001 - signs that models write
    "/": "/", "÷": "/", "+": "+", "-": "-", "−": "-", "–": "-",  # noqa: RUF001 - as above
    "==": "=", "=": "=", "(": "(", ")": ")", "{": "(", "}": ")", "[": "[", "]": "]", ",": ",", ";": ",",
    "√": "sqrt", "π": "pi", "∞": "oo",
}  # fmt: skip
"""By spelling; the last three stand for names."""

MAX_DIGITS = 50

_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)")
_NAME = re.compile(r"[A-Za-z\u0391-\u03a9\u03b1-\u03bf\u03c1-\u03c9][A-Za-z0-9_]*")
_SIGN = re.compile("|".join(re.escape(sign) for sign in sorted(SIGNS, key=len, reverse=True)))


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a request.

    Attributes:
        kind: "number", "name", "end", or the sign in its usual spelling.
        text: As written.
        column: Where it starts, counted from 1.
        value: Of a number.
    """

    kind: str
    text: str
    column: int
    value: Fraction | None = None


def tokenize(text: str) -> list[Token]:
    """All tokens and a last one of kind "end".

    Raises:
        UnreadableError: A character or a number can't be understood.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        if space := _SPACE.match(text, position):
            position = space.end()
            continue
        tokens.append(_next(text, position))
        position += len(tokens[-1].text)
    return [*tokens, Token("end", "", len(text) + 1)]


def _next(text: str, position: int) -> Token:
    column = position + 1
    if number := _NUMBER.match(text, position):
        if len(number[0]) > MAX_DIGITS:
            raise UnreadableError(column, f"the number has more than {MAX_DIGITS} digits")
        return Token("number", number[0], column, Fraction(number[0]))
    if name := _NAME.match(text, position):
        return Token("name", name[0], column)
    if sign := _SIGN.match(text, position):
        kind = SIGNS[sign[0]]
        return Token("name" if kind.isalpha() else kind, sign[0], column)
    raise UnreadableError(column)
