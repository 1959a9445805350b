"""How large an expression can become, found before anything is computed.

sympy multiplies numbers out while it builds an expression, and expands powers term by term: 9**9**9 or (a+b+c)**999
would take all memory. So each node gets upper bounds, and what exceeds a limit is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from lottery_plugins.tools.algebra.names import CONSTANTS
from lottery_plugins.tools.algebra.tree import (
    Call,
    Equation,
    Listing,
    Negative,
    Node,
    Number,
    Operation,
    Symbol,
    nodes_of,
)
from lottery_plugins.tools.arithmetic.exact import CalculationError

__all__ = ["MAX_NODES", "Size", "check_count", "check_size"]

MAX_NODES = 200
MAX_TERMS = 1000
MAX_DEGREE = 100
MAX_BITS = 40_000
MAX_EXPONENT = 1000
"""Of a number, and of e and the like; of anything with a variable the degree is what counts."""

MAX_EXPONENT_BITS = 10
"""Of the numbers in an exponent with a variable: an expansion may split it and compute the power."""

_FLOATS: Mapping[str, Callable[[float], float]] = {
    "sqrt": math.sqrt, "cbrt": lambda x: math.copysign(abs(x) ** (1 / 3), x), "exp": math.exp, "log": math.log,
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "Abs": abs, "sinh": math.sinh, "cosh": math.cosh,
    "tanh": math.tanh, "asin": math.asin, "acos": math.acos, "atan": math.atan,
}  # fmt: skip
_CONSTANTS = {"pi": math.pi, "E": math.e}


@dataclass(frozen=True, slots=True)
class Size:
    """Upper bounds.

    Attributes:
        terms: Summands once all is multiplied out.
        degree: Of the highest power.
        bits: Of the numbers, numerators and denominators together.
    """

    terms: int = 1
    degree: int = 0
    bits: int = 1


def check_size(node: Node) -> Size:
    """The size of a tree.

    Raises:
        CalculationError: It exceeds a limit.
    """
    check_count(node)
    return _size(node)


def check_count(node: Node) -> None:
    """Refuse a tree of too many nodes, before anything walks down it.

    Raises:
        CalculationError: It has too many.
    """
    if sum(1 for _ in nodes_of(node)) > MAX_NODES:
        raise _too_large(f"the expression has more than {MAX_NODES} parts")


def _size(node: Node) -> Size:
    match node:
        case Number(value=value):
            return Size(bits=value.numerator.bit_length() + value.denominator.bit_length())
        case Symbol(name=name):
            return Size(degree=int(name not in CONSTANTS.values()))
        case Negative(inner=inner):
            return _size(inner)
        case Operation(sign="**"):
            return _power(node)
        case Operation(sign=sign, left=left, right=right):
            return _joined(sign, _size(left), _size(right))
        case Equation(left=left, right=right):
            return _joined("+", _size(left), _size(right))
        case Call(arguments=parts) | Listing(items=parts):
            sizes = [_size(part) for part in parts]
            return _checked(max(s.terms for s in sizes), max(s.degree for s in sizes), max(s.bits for s in sizes))


def _joined(sign: str, left: Size, right: Size) -> Size:
    if sign in ("+", "-"):
        return _checked(left.terms + right.terms, max(left.degree, right.degree), left.bits + right.bits)
    if sign == "/":
        return _checked(max(left.terms, right.terms), left.degree + right.degree, left.bits + right.bits)
    return _checked(left.terms * right.terms, left.degree + right.degree, left.bits + right.bits)


def _power(node: Operation) -> Size:
    base = _size(node.left)
    exponent = _number(node.right)
    if exponent is None:
        inside = _size(node.right)
        if inside.bits > MAX_EXPONENT_BITS:
            raise _too_large("the numbers in an exponent are too large")
        return _checked(base.terms * inside.terms, base.degree + inside.degree, base.bits * 2**MAX_EXPONENT_BITS)
    times = math.ceil(abs(exponent))
    if times > MAX_EXPONENT:
        raise _too_large(f"an exponent is larger than {MAX_EXPONENT}")
    terms = math.comb(times + base.terms - 1, base.terms - 1) if exponent == int(exponent) else base.terms
    return _checked(terms, base.degree * max(1, times), base.bits * max(1, times))


def _number(node: Node) -> float | None:
    """The value of an exponent without variables, roughly; None when it has some.

    Raises:
        CalculationError: It is too large, or no real number.
    """
    try:
        value = _float(node)
    except (ArithmeticError, ValueError):
        raise _too_large("an exponent can't be worked out") from None
    if value is not None and not math.isfinite(value):
        raise _too_large("an exponent is not finite")
    return value


def _float(node: Node) -> float | None:
    match node:
        case Number(value=Fraction() as value):
            return float(value)
        case Symbol(name=name):
            return _CONSTANTS.get(name)
        case Negative(inner=inner):
            value_inside = _float(inner)
            return None if value_inside is None else -value_inside
        case Operation(sign=sign, left=left, right=right):
            return _operated(sign, _float(left), _float(right))
        case Call(name=name, arguments=(argument,)) if name in _FLOATS:
            value_inside = _float(argument)
            return None if value_inside is None else float(_FLOATS[name](value_inside))
        case Call():
            raise ValueError("an operation, or a function of two arguments")
    raise ValueError("an equation or a list")


def _operated(sign: str, left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right
    power = left**right
    if isinstance(power, complex):
        raise ValueError("not real")
    return float(power)


def _checked(terms: int, degree: int, bits: int) -> Size:
    if terms > MAX_TERMS:
        raise _too_large(f"the result could have more than {MAX_TERMS} terms")
    if degree > MAX_DEGREE:
        raise _too_large(f"the result could have a degree above {MAX_DEGREE}")
    if bits > MAX_BITS:
        raise _too_large(f"the result could have numbers of more than {MAX_BITS // 4} digits")
    return Size(terms, degree, bits)


def _too_large(problem: str) -> CalculationError:
    return CalculationError(problem, "Use a smaller expression.", category="limit")
