"""A precedence parser from tokens to expressions; bounded depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lottery_logic.language.errors import ProgramError
from lottery_logic.language.tokens import RESERVED, Token, tokenize
from lottery_logic.language.tree import (
    Apply,
    Binary,
    Bound,
    Count,
    Distinct,
    Domain,
    Expression,
    Joined,
    Members,
    Name,
    Not,
    Number,
    Quantified,
    Range,
    SortName,
    Truth,
    Variable,
)

__all__ = ["FormulaParser", "read_formula"]

MAX_DEPTH = 60
"""Brackets and operators inside one another; keeps parser and solvers far from Python's recursion limit."""

BINDING = {
    "<->": 10, "->": 20, "or": 30, "xor": 35, "and": 40,
    "=": 60, "!=": 60, "<": 60, "<=": 60, ">": 60, ">=": 60, "+": 70, "-": 70, "*": 80,
}  # fmt: skip
"""How tightly an operator holds what stands before it."""

NEGATION = 50
"""`not p(x) and q(x)` is `(not p(x)) and q(x)`; `not x = y` is `not (x = y)`."""

COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
JOINING = frozenset({"and", "or", "xor", "+", "*"})


def read_formula(text: str, line: int = 1) -> Expression:
    """The one formula that a text is.

    Raises:
        ProgramError: It is none, or more stands behind it; its line is `line`.
    """
    parser = FormulaParser(tokenize(text, line))
    formula = parser.expression()
    parser.check_end()
    return formula


@dataclass(slots=True)
class FormulaParser:
    """Reads tokens from left to right; `position` is the next one."""

    tokens: Sequence[Token]
    position: int = field(default=0, init=False)
    depth: int = field(default=0, init=False)

    @property
    def token(self) -> Token:
        """The next token, not yet taken."""
        return self.tokens[self.position]

    def take(self, kind: str | None = None, wanted: str = "") -> Token:
        """The next token, which must be of the kind."""
        token = self.token
        if kind is not None and token.kind != kind:
            raise self.unexpected(wanted or f"'{kind}'")
        self.position += token.kind != "end"
        return token

    def has(self, kind: str) -> bool:
        """Take the next token if it is of the kind."""
        found = self.token.kind == kind
        self.position += found
        return found

    def check_end(self) -> None:
        """Take the end of a line, and full stops before it.

        Raises:
            ProgramError: Something else comes first.
        """
        while self.has("."):
            pass
        if self.token.kind != "end":
            self.take("newline", "the end of the line: one statement per line")

    def unexpected(self, wanted: str) -> ProgramError:
        """The error that something else stands here."""
        token = self.token
        got = {"newline": "the end of the line", "end": "the end of the program"}.get(token.kind, repr(token.text))
        note = f" {token.text!r} is a word of the language; quote it to use it as a name." * (token.text in RESERVED)
        return ProgramError(token.place, f"found {got}", f"Allowed here is {wanted}.{note}")

    def expression(self, binding: int = 0) -> Expression:
        """An operand and all operators after it that bind tighter than `binding`."""
        if self.depth >= MAX_DEPTH:
            raise ProgramError(
                self.token.place, f"nested deeper than {MAX_DEPTH} levels", "Split it up.", category="limit"
            )
        before = self.depth
        self.depth += 1
        value = self.operand()
        while BINDING.get(self.token.kind, 0) > binding:
            if self.token.kind in JOINING:
                value = self.joined(value)
            elif self.token.kind in COMPARISONS:
                value = self.compared(value)
            else:
                sign = self.take()
                right = self.expression(BINDING[sign.kind] - (sign.kind == "->"))
                value = Binary(sign.kind, value, right, sign.place)
                self.depth += 1  # the tree grows to the left by one level
                if self.depth > MAX_DEPTH:
                    raise ProgramError(sign.place, f"more than {MAX_DEPTH} in a row", "Split it up.", category="limit")
        self.depth = before
        return value

    def joined(self, first: Expression) -> Expression:
        """All parts under one operator, as one node."""
        sign, parts = self.token, [first]
        while self.has(sign.kind):
            parts.append(self.expression(BINDING[sign.kind]))
        return Joined(sign.kind, tuple(parts), sign.place)

    def compared(self, left: Expression) -> Expression:
        """A comparison; `a < b < c` is both of them."""
        found: list[Expression] = []
        place = self.token.place
        while self.token.kind in COMPARISONS:
            sign = self.take()
            right = self.expression(BINDING[sign.kind])
            found.append(Binary(sign.kind, left, right, sign.place))
            left = right
        return found[0] if len(found) == 1 else Joined("and", tuple(found), place)

    def operand(self) -> Expression:
        """A name, a number, a call, a bracket, a negation, a quantifier."""
        token = self.token
        match token.kind:
            case "name":
                return self.named()
            case "variable":
                return Variable(self.take().text, token.place)
            case "number" | "-":
                return self.number()
            case "true" | "false":
                return Truth(self.take().kind == "true", token.place)
            case "not":
                self.take()
                return Not(self.expression(NEGATION), token.place)
            case "(":
                self.take()
                inner = self.expression()
                self.take(")")
                return inner
            case "forall" | "exists":
                return self.quantified()
            case "count" | "distinct":
                return self.counted()
        raise self.unexpected("a formula: a name, a number, not, forall, exists or '('")

    def named(self) -> Expression:
        """A name, with arguments when a bracket follows."""
        token = self.take("name", "a name")
        if self.token.kind != "(":
            return Name(token.text, token.place)
        return Apply(token.text, self.listed(), token.place)

    def listed(self) -> tuple[Expression, ...]:
        """Expressions between brackets, with commas between them; none is allowed."""
        self.take("(")
        if self.has(")"):
            return ()
        parts = [self.expression()]
        while self.has(","):
            parts.append(self.expression())
        self.take(")", "',' or ')'")
        return tuple(parts)

    def number(self) -> Expression:
        """A whole number with its sign, or the negative of an operand."""
        place = self.token.place
        negative = self.has("-")
        if self.token.kind == "number":
            value = int(self.take().text)
            return Number(-value if negative else value, place)
        return Binary("-", Number(0, place), self.expression(BINDING["*"]), place)

    def quantified(self) -> Expression:
        """`forall x, y in people: body` reaches as far as it can; without a colon it reaches as far as `not` does."""
        token = self.take()
        bound = self.bound()
        has_colon = self.has(":") or self.has(".")
        body = self.expression(0 if has_colon else NEGATION)
        return Quantified("forall" if token.kind == "forall" else "exists", bound, body, token.place)

    def counted(self) -> Expression:
        """`count(x in people: body)`, `distinct(a, b, c)`, `distinct(x in people: seat(x))`."""
        token = self.take()
        self.take("(")
        if token.kind == "distinct" and not self.binds():
            parts = [self.expression()]
            while self.has(","):
                parts.append(self.expression())
            self.take(")", "',' or ')'")
            return Distinct(tuple(parts), None, token.place)
        bound = self.bound()
        self.take(":", "':' and what is counted or compared")
        body = self.expression()
        self.take(")")
        return Count(bound, body, token.place) if token.kind == "count" else Distinct((body,), bound, token.place)

    def binds(self) -> bool:
        """Whether names and `in` or a colon follow, and not a list of expressions."""
        ahead = self.position
        while self.tokens[ahead].kind in ("name", "variable") and self.tokens[ahead + 1].kind == ",":
            ahead += 2
        return self.tokens[ahead].kind in ("name", "variable") and self.tokens[ahead + 1].kind in ("in", ":")

    def bound(self) -> Bound:
        """The variables of a quantifier and what they range over."""
        place = self.token.place
        names = [self.bound_name()]
        while self.has(",") or self.token.kind in ("name", "variable"):
            if self.tokens[self.position + 1].kind == "(":  # the formula begins: "forall x Dog(x)"
                break
            names.append(self.bound_name())
        return Bound(tuple(names), self.domain() if self.has("in") else None, place)

    def bound_name(self) -> str:
        """A variable, with or without its mark."""
        if self.token.kind == "variable":
            return self.take().text
        return self.take("name", "the name of a variable").text

    def domain(self) -> Domain:
        """`1..5`, `{red, green}`, or the name of a sort."""
        place = self.token.place
        if self.has("{"):
            return self.members()
        if self.token.kind == "name":
            return SortName(self.take().text, place)
        low = self.whole_number("values: 1..5, {red, green}, or the name of a sort")
        self.take("..")
        high = self.whole_number("a whole number")
        if high < low:
            raise ProgramError(place, f"the range {low}..{high} is empty", "Write the smaller number first.")
        return Range(low, high, place)

    def members(self) -> Members:
        """The names or numbers up to a brace; the opening one is taken already."""
        opening = self.tokens[self.position - 1].place
        is_name = self.token.kind == "name"
        values: list[str | int] = []
        while True:
            if is_name:
                values.append(self.take("name", "a name").text)
            else:
                values.append(self.whole_number("a name or a whole number"))
            if not self.has(","):
                break
        self.take("}", "',' or '}'")
        twice = next((value for i, value in enumerate(values) if value in values[:i]), None)
        if twice is not None:
            raise ProgramError(opening, f"{twice} stands twice between the braces", "Name each value once.")
        return Members(tuple(values), opening)  # type: ignore[arg-type]

    def whole_number(self, wanted: str) -> int:
        """A number with its sign."""
        negative = self.has("-")
        value = int(self.take("number", wanted).text)
        return -value if negative else value
