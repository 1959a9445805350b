"""A Pratt parser from tokens to a tree; bounded depth, nothing is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lottery_plugins.errors import suggest
from lottery_plugins.tools.algebra.names import CONSTANTS, FUNCTIONS, OPERATIONS
from lottery_plugins.tools.algebra.tokens import Token, tokenize
from lottery_plugins.tools.algebra.tree import Call, Equation, Listing, Negative, Node, Number, Operation, Symbol
from lottery_plugins.tools.arithmetic.tokens import UnreadableError

__all__ = ["parse"]

MAX_DEPTH = 40
"""Brackets, signs and powers inside one another."""

BINDING = {"+": 10, "-": 10, "*": 20, "/": 20, "**": 40}
SIGN = 30
"""A sign binds looser than a power and tighter than a product: -x**2 is -(x**2)."""


def parse(text: str) -> Node:
    """The tree of a request: an operation, an expression, or an equation.

    Raises:
        UnreadableError: It is none; with the column.
    """
    parser = _Parser(tokenize(text))
    node = parser.argument()
    if parser.token.kind != "end":
        raise UnreadableError(parser.token.column)
    return node


@dataclass(slots=True)
class _Parser:
    """Reads tokens from left to right; `position` is the next one."""

    tokens: Sequence[Token]
    position: int = field(default=0, init=False)
    depth: int = field(default=0, init=False)

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def take(self, kind: str | None = None) -> Token:
        """The next token, which must be of the kind."""
        token = self.token
        if kind is not None and token.kind != kind:
            raise UnreadableError(token.column, f"wanted is {kind!r}")
        self.position += token.kind != "end"
        return token

    def argument(self) -> Node:
        """A list, an equation or an expression."""
        if self.token.kind == "[":
            column = self.take().column
            return Listing(self.listed("]"), column)
        left = self.expression(0)
        if self.token.kind != "=":
            return left
        column = self.take().column
        return Equation(left, self.expression(0), column)

    def listed(self, closing: str) -> tuple[Node, ...]:
        """Arguments with commas between them, up to a bracket."""
        self.enter()
        found = [self.argument()]
        while self.token.kind == ",":
            self.take()
            found.append(self.argument())
        self.take(closing)
        self.depth -= 1
        return tuple(found)

    def enter(self) -> None:
        """One level deeper."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UnreadableError(self.token.column, f"nested deeper than {MAX_DEPTH} levels")

    def expression(self, binding: int) -> Node:
        """An operand and all operators after it that bind tighter than `binding`."""
        self.enter()
        value = self.operand()
        while True:
            sign = self.operator()
            if sign is None or BINDING[sign] <= binding:
                break
            column = self.token.column
            if self.token.kind in BINDING:
                self.take()
            elif isinstance(value, Operation) and value.sign == "/" and isinstance(value.right, Number):
                raise UnreadableError(column, "1/2x may be (1/2)*x or 1/(2*x): write the brackets")
            right = self.expression(BINDING[sign] - (sign == "**"))
            value = Operation(sign, value, right, column)
        self.depth -= 1
        return value

    def operator(self) -> str | None:
        """The operator that comes next, not yet taken; a product may be written without a sign, as in 2x(x + 1)."""
        token, before = self.token, self.tokens[self.position - 1]
        if token.kind in BINDING:
            return token.kind
        if token.kind in ("name", "(") and before.kind in ("number", ")", "name"):
            return "*"
        return None

    def operand(self) -> Node:
        """A number, a name, a call, a bracket, or a signed operand."""
        token = self.take()
        if token.value is not None:
            return Number(token.value, token.column)
        if token.kind in ("+", "-"):
            inner = self.expression(SIGN)
            return inner if token.kind == "+" else Negative(inner, token.column)
        if token.kind == "(":
            value = self.expression(0)
            self.take(")")
            return value
        if token.kind == "name":
            return self.named(token)
        raise UnreadableError(token.column)

    def named(self, token: Token) -> Node:
        """A constant or variable, or a function or operation with its arguments."""
        name = token.text
        if name in FUNCTIONS or name in OPERATIONS:
            if self.token.kind != "(":
                raise UnreadableError(self.token.column, f"{name} needs its argument in brackets")
            self.take()
            return Call(FUNCTIONS.get(name) or OPERATIONS[name], self.listed(")"), token.column)
        if self.token.kind == "(" and name in ("f", "g", "h"):
            raise UnreadableError(token.column, f"{name}(...) is no known function; write its formula instead")
        if self.token.kind == "(" and len(name) > 1 and name not in CONSTANTS:
            known = dict.fromkeys([*FUNCTIONS.values(), *OPERATIONS.values()])
            near = suggest(name, known).strip() or f"functions: {', '.join(known)}"
            raise UnreadableError(token.column, f"unknown function {name!r}; {near}")
        return Symbol(CONSTANTS.get(name, name), token.column)
