"""Cutting a program into tokens, with the spellings of the connectives that models use."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lottery_logic.language.errors import Place, ProgramError

__all__ = ["RESERVED", "Token", "tokenize"]

SIGNS = {
    "->": "->", "=>": "->", "→": "->", "⇒": "->", ">>>": "->",
    "<->": "<->", "<=>": "<->", "↔": "<->", "⇔": "<->",
    "&&": "and", "&": "and", "∧": "and", "||": "or", "|": "or", "∨": "or", "⊕": "xor",  # noqa: RUF001 - signs of logic
    "!": "not", "~": "not", "¬": "not", "∀": "forall", "∃": "exists",
    "==": "=", "=": "=", "!=": "!=", "≠": "!=", "<>": "!=",
    "<=": "<=", "≤": "<=", ">=": ">=", "≥": ">=", "<": "<", ">": ">",
    "+": "+", "-": "-", "−": "-", "*": "*", "..": "..", ".": ".", ";": ".",  # noqa: RUF001 - the minus sign
    "(": "(", ")": ")", "[": "(", "]": ")", "{": "{", "}": "}", ",": ",", ":": ":",
}  # fmt: skip
"""By spelling; square brackets are as good as round ones."""

WORDS = {
    **{spelling: word for word in ("and", "or", "not", "xor", "forall", "exists", "true", "false")
       for spelling in (word, word.capitalize(), word.upper())},
    "iff": "<->", "implies": "->", "ForAll": "forall", "in": "in", "count": "count", "distinct": "distinct",
}  # fmt: skip
"""`in`, `count` and `distinct` only in lower case: In(x, y) is a predicate that people write."""

RESERVED = frozenset(WORDS)

MAX_TOKENS = 20_000
MAX_DIGITS = 15

_SPACE = re.compile(r"[^\S\n]+|#[^\n]*")
_NUMBER = re.compile(r"[0-9]+(?![0-9\w])")
_NAME = re.compile(r"[^\W\d]\w*")
_VARIABLE = re.compile(r"[$?]([^\W\d]\w*)")
_QUOTED = re.compile(r"\"([^\"\x00-\x1f]{1,80})\"|'([^'\x00-\x1f]{1,80})'")
_SIGN = re.compile("|".join(re.escape(sign) for sign in sorted(SIGNS, key=len, reverse=True)))
_OPENING, _CLOSING = frozenset("({"), frozenset(")}")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a program.

    Attributes:
        kind: "name", "variable", "number", "newline", "end", or the sign or reserved word itself in its usual spelling.
        text: As written; of a variable without its mark, of a quoted name without its quotes.
        place: Where it starts.
    """

    kind: str
    text: str
    place: Place


def tokenize(text: str, line: int = 1) -> list[Token]:
    """All tokens, a "newline" after each line that does not end inside brackets, and "end".

    Args:
        text: A program, or a line of one.
        line: Number of its first line.

    Raises:
        ProgramError: A character can't be understood, or there are too many tokens.
    """
    tokens: list[Token] = []
    position, line_start, depth = 0, 0, 0
    while position < len(text):
        if skipped := _SPACE.match(text, position):
            position = skipped.end()
            continue
        place = Place(line, position - line_start + 1)
        if text[position] == "\n":
            if depth == 0:
                tokens.append(Token("newline", "", place))
            position, line, line_start = position + 1, line + 1, position + 1
            continue
        token, position = _next(text, position, place)
        depth = max(0, depth + (token.kind in _OPENING) - (token.kind in _CLOSING))
        tokens.append(token)
        if len(tokens) > MAX_TOKENS:
            raise ProgramError(place, f"the program has more than {MAX_TOKENS} words", "Shorten it.", category="limit")
    place = Place(line, position - line_start + 1)
    return [*tokens, Token("newline", "", place), Token("end", "", place)]


def _next(text: str, position: int, place: Place) -> tuple[Token, int]:
    """The token that starts here, and where it ends."""
    if quoted := _QUOTED.match(text, position):
        return Token("name", (quoted[1] or quoted[2]).strip(), place), quoted.end()
    if variable := _VARIABLE.match(text, position):
        return Token("variable", variable[1], place), variable.end()
    if name := _NAME.match(text, position):
        return Token(WORDS.get(name[0], "name"), name[0], place), name.end()
    if number := _NUMBER.match(text, position):
        if len(number[0]) > MAX_DIGITS:
            raise ProgramError(place, f"the number has more than {MAX_DIGITS} digits", category="limit")
        return Token("number", number[0], place), number.end()
    if sign := _SIGN.match(text, position):
        return Token(SIGNS[sign[0]], sign[0], place), sign.end()
    raise ProgramError(
        place,
        f"cannot read {text[position : position + 10].split(chr(10))[0]!r}",
        "Allowed are names, whole numbers, $variables, brackets and the signs of the language; put a name with spaces "
        'or other signs in double quotes, e.g. "bald eagle".',
    )
