"""A Pratt parser that computes while it reads; no tree, no eval, bounded depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lottery_plugins.errors import suggest
from lottery_plugins.tools.arithmetic.exact import Arithmetic, CalculationError, Number
from lottery_plugins.tools.arithmetic.functions import CONSTANTS, FUNCTIONS, factorial
from lottery_plugins.tools.arithmetic.tokens import WORDS, Token, UnreadableError, tokenize

__all__ = ["evaluate"]

MAX_DEPTH = 50
"""Brackets, signs and powers inside one another; keeps the parser far from Python's recursion limit."""

BINDING = {"+": 10, "-": 10, "*": 20, "/": 20, "//": 20, "%": 20, "**": 40, "!": 50, "percent": 50}
"""How tightly an operator holds the value before it."""

SIGN = 30
"""A sign binds looser than a power and tighter than a product: -2**2 is -4, and -7 // 2 is (-7) // 2."""


def evaluate(text: str, arithmetic: Arithmetic) -> Number:
    """The value of one expression.

    Raises:
        UnreadableError: It is no expression, with the column.
        CalculationError: It has no value, or too long a one.
    """
    parser = _Parser(tokenize(text, arithmetic.max_digits), arithmetic)
    number = parser.expression(0)
    if parser.token.kind != "end":
        raise UnreadableError(parser.token.column)
    return number


@dataclass(slots=True)
class _Parser:
    """Reads tokens from left to right; `position` is the next one."""

    tokens: Sequence[Token]
    arithmetic: Arithmetic
    position: int = field(default=0, init=False)
    depth: int = field(default=0, init=False)

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def take(self, kind: str | None = None) -> Token:
        """The next token, which must be of the kind."""
        token = self.token
        if kind is not None and token.kind != kind:
            raise UnreadableError(token.column)
        self.position += token.kind != "end"
        return token

    def expression(self, binding: int) -> Number:
        """A value and all operators after it that bind tighter than `binding`."""
        if self.depth >= MAX_DEPTH:
            raise CalculationError(f"nested deeper than {MAX_DEPTH} levels", "Split it up.", category="limit")
        self.depth += 1
        value = self.operand()
        while (operator := self.operator()) is not None and BINDING[operator] > binding:
            self.take()
            value = self.apply(operator, value)
        self.depth -= 1
        return value

    def operator(self) -> str | None:
        """The operator that comes next, not yet taken; None when something else does."""
        token = self.token
        kind = WORDS.get(token.text) if token.kind == "name" else token.kind
        if token.kind == "%" and not is_value(self.tokens[self.position + 1]):
            return "percent"  # "20% - 3"; "20 % (-3)" is a remainder
        return kind if kind in BINDING else None

    def operand(self) -> Number:
        """A number, constant, call, bracket, or signed operand."""
        token = self.take()
        if token.value is not None:
            return self.arithmetic.checked(token.value)
        if token.kind in ("+", "-"):
            value = self.expression(SIGN)
            return value if token.kind == "+" else Number(-value.value, value.is_exact)
        if token.kind == "(":
            value = self.expression(0)
            self.take(")")
            return value
        if token.kind == "name":
            return self.named(token)
        raise UnreadableError(token.column)

    def named(self, token: Token) -> Number:
        """A constant, or a function with its arguments."""
        if token.text in CONSTANTS and self.token.kind != "(":
            return CONSTANTS[token.text]
        function = FUNCTIONS.get(token.text)
        if function is None:
            hint = f"{suggest(token.text, FUNCTIONS)}Functions: {', '.join(FUNCTIONS)}."
            raise CalculationError(f"unknown name {token.text!r} at column {token.column}", hint)
        self.take("(")
        numbers = [self.expression(0)]
        while self.token.kind == ",":
            self.take()
            numbers.append(self.expression(0))
        self.take(")")
        if len(numbers) < function.least or (function.most is not None and len(numbers) > function.most):
            wanted = str(function.least) if function.least == function.most else f"{function.least} to {function.most}"
            raise CalculationError(f"{token.text} takes {wanted} arguments, not {len(numbers)}")
        return function.compute(self.arithmetic, numbers)

    def apply(self, operator: str, left: Number) -> Number:
        """The operator on the value before it and, unless it is a suffix, on the operand after it."""
        if operator == "!":
            if self.token.kind == "!":
                raise UnreadableError(self.token.column, "a double factorial and a repeated one look the same")
            return factorial(self.arithmetic, [left])
        if operator == "percent":
            return self.arithmetic.checked(left.value / 100, left)
        right = self.expression(BINDING[operator] - (operator == "**"))
        arithmetic = self.arithmetic
        match operator:
            case "+":
                return arithmetic.add(left, right)
            case "-":
                return arithmetic.add(left, Number(-right.value, right.is_exact))
            case "*":
                return arithmetic.checked(left.value * right.value, left, right)
            case "/":
                return arithmetic.divide(left, right)
            case "//":
                return arithmetic.floor_divide(left, right)
            case "%":
                return arithmetic.modulo(left, right)
            case _:
                return arithmetic.power(left, right)


def is_value(token: Token) -> bool:
    """Whether a value starts with this token, signs left aside."""
    return token.kind in ("number", "(") or (token.kind == "name" and token.text not in WORDS)
