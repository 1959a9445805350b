"""Cutting an expression into tokens, with the spellings that models use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Token", "UnreadableError", "tokenize"]

OPERATORS = {
    "**": "**", "^": "**", "//": "//",
    "*": "*", "×": "*", "·": "*", "⋅": "*", "∙": "*", "\\times": "*", "\\cdot": "*",  # noqa: RUF001 - signs that models write
    "/": "/", "÷": "/", "∕": "/", "\\div": "/",  # noqa: RUF001 - as above
    "+": "+", "-": "-", "−": "-", "–": "-", "%": "%", "!": "!", "(": "(", ")": ")", ",": ",",  # noqa: RUF001 - as above
}  # fmt: skip
WORDS = {"x": "*", "times": "*", "of": "*", "plus": "+", "minus": "-", "mod": "%"}
"""Words that are operators when they stand between two values."""

_FRACTION = r"(?:\.[0-9]+(?:_[0-9]+)*|\.(?![0-9.]))?(?:[eE][+-]?[0-9]+)?"
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9_])" + _FRACTION)
_NUMBER = re.compile(r"(?:[0-9]+(?:_[0-9]+)*" + _FRACTION + r"|\.[0-9]+(?:[eE][+-]?[0-9]+)?)")
_NAME = re.compile(r"x(?=[0-9.])|[A-Za-z]+[0-9]*")
_OPERATOR = re.compile("|".join(re.escape(sign) for sign in sorted(OPERATORS, key=len, reverse=True)))
_SKIPPED = re.compile(r"\s+|[$€£](?=[0-9.])")


class UnreadableError(Exception):
    """The expression makes no sense at a column, counted from 1; `reason` says why where that is not plain."""

    def __init__(self, column: int, reason: str = "") -> None:
        super().__init__(column, reason)
        self.column, self.reason = column, reason


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression.

    Attributes:
        kind: "number", "name", "end", or the operator or bracket itself in its usual spelling.
        text: As written; lower case for a name.
        column: Where it starts, counted from 1.
        value: Of a number.
    """

    kind: str
    text: str
    column: int
    value: Fraction | None = None


def tokenize(text: str, max_digits: int) -> list[Token]:
    """All tokens and a last one of kind "end".

    Commas group thousands ("1,234"), except between the brackets of a function call, where they separate arguments.

    Raises:
        UnreadableError: A character, number or comma can't be understood.
    """
    tokens: list[Token] = []
    brackets: list[bool] = []  # for each open bracket, whether it is that of a function call
    position = 0
    while position < len(text):
        if skipped := _SKIPPED.match(text, position):
            position = skipped.end()
            continue
        token = _next_token(text, position, max_digits, in_call=bool(brackets and brackets[-1]))
        if token.kind == "(":
            brackets.append(bool(tokens) and tokens[-1].kind == "name" and tokens[-1].text not in WORDS)
        elif token.kind == ")" and brackets:
            brackets.pop()
        tokens.append(token)
        position += len(token.text)
    return [*tokens, Token("end", "", len(text) + 1)]


def _next_token(text: str, position: int, max_digits: int, *, in_call: bool) -> Token:
    column = position + 1
    grouped = _GROUPED.match(text, position)
    if grouped and in_call and _is_ambiguous(grouped[0], text):
        raise UnreadableError(column, "the comma may group digits or separate arguments: leave thousands commas out")
    number = grouped if grouped and not in_call else _NUMBER.match(text, position)
    if number:
        if re.match(r"[A-Za-z_]", text[number.end() :]) and not re.match(r"\s*(?:x|of\b)", text[number.end() :]):
            raise UnreadableError(number.end() + 1)
        if number[0] == "0" and text[number.end() : number.end() + 1] == "x":
            raise UnreadableError(number.end() + 1, "hexadecimal numbers are not read")
        return Token("number", number[0], column, _value(number[0], column, max_digits))
    if name := _NAME.match(text, position):
        return Token("name", name[0].lower(), column)
    if operator := _OPERATOR.match(text, position):
        return Token(OPERATORS[operator[0]], operator[0], column)
    raise UnreadableError(column)


def _is_ambiguous(grouped: str, text: str) -> bool:
    groups = grouped.split(",")[1:]
    return any(group.startswith("0") for group in groups) or re.search(r",\s", text) is not None


def _value(literal: str, column: int, max_digits: int) -> Fraction:
    digits, _, exponent = literal.lower().replace(",", "").replace("_", "").partition("e")
    too_long = len(digits) > max_digits or len(exponent) > 6 or abs(int(exponent or 0)) > max_digits
    if too_long:
        raise UnreadableError(column, f"the number has more than {max_digits} digits")
    return Fraction(f"{digits.rstrip('.') or '0'}e{exponent or 0}")
