"""From a tree to a sympy expression, piece by piece; sympy parses no text."""

from __future__ import annotations

from typing import Any

from lottery_plugins.tools.algebra.names import CONSTANTS
from lottery_plugins.tools.algebra.tree import Call, Equation, Negative, Node, Number, Operation, Symbol
from lottery_plugins.tools.arithmetic.exact import CalculationError

__all__ = ["Expression", "symbol_of", "value_of"]

Expression = Any
"""A sympy expression; sympy has no types."""

ARGUMENTS = {"log": (1, 2)}
"""How many arguments a function takes, where it is not one."""


def value_of(node: Node) -> Expression:
    """The expression of a tree without operations.

    Raises:
        CalculationError: It has none, such as a division by zero.
    """
    import sympy

    match node:
        case Number(value=value):
            return sympy.Rational(value.numerator, value.denominator)
        case Symbol(name=name):
            return getattr(sympy, name) if name in CONSTANTS.values() else sympy.Symbol(name)
        case Negative(inner=inner):
            return -value_of(inner)
        case Operation(sign=sign, left=left, right=right):
            return _operated(sign, value_of(left), value_of(right))
        case Call(name=name, arguments=arguments):
            least, most = ARGUMENTS.get(name, (1, 1))
            if not least <= len(arguments) <= most:
                raise CalculationError(f"{name} takes {least} argument, not {len(arguments)}")
            return getattr(sympy, name)(*map(value_of, arguments))
        case Equation(left=left, right=right):
            return value_of(left) - value_of(right)
    raise CalculationError("a list can't stand here", "Only solve takes lists.")


def symbol_of(node: Node) -> Expression:
    """The variable that a tree is.

    Raises:
        CalculationError: It is none.
    """
    if not isinstance(node, Symbol) or node.name in CONSTANTS.values():
        raise CalculationError("a variable is wanted, such as x")
    return value_of(node)


def _operated(sign: str, left: Expression, right: Expression) -> Expression:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            if right == 0:
                raise CalculationError("division by zero", category="domain")
            return left / right
    if left == 0 and right.is_negative:
        raise CalculationError("division by zero", category="domain")
    return left**right
