"""From a sympy expression back to a tree, so that the result of an operation can be used in another one."""

from __future__ import annotations

from fractions import Fraction

from lottery_plugins.tools.algebra.names import CONSTANTS, FUNCTIONS
from lottery_plugins.tools.algebra.sizes import MAX_NODES
from lottery_plugins.tools.algebra.tree import Call, Node, Number, Operation, Symbol
from lottery_plugins.tools.algebra.values import Expression
from lottery_plugins.tools.arithmetic.exact import CalculationError

__all__ = ["tree_of"]

KNOWN_FUNCTIONS = frozenset(FUNCTIONS.values())
KNOWN_CONSTANTS = frozenset(CONSTANTS.values())


def tree_of(expression: Expression) -> Node:
    """The tree of an expression that is made of numbers, names and known functions.

    Raises:
        CalculationError: It is too large, or holds something else, such as cases or an integral that was not found.
    """
    import sympy

    if sum(1 for _ in sympy.preorder_traversal(expression)) > MAX_NODES:
        raise CalculationError("a result is too large to be used further", "Split it up.", category="limit")
    return _tree_of(expression)


def _tree_of(expression: Expression) -> Node:
    import sympy

    if expression.is_Rational:
        return Number(Fraction(int(expression.p), int(expression.q)))
    if expression.is_Symbol:
        return Symbol(expression.name)
    name = "I" if expression is sympy.I else str(expression)
    if expression.is_Atom and name in KNOWN_CONSTANTS:
        return Symbol(name)
    parts = [_tree_of(part) for part in expression.args]
    if expression.is_Pow:
        base, exponent = parts
        return Operation("**", base, exponent)
    if expression.is_Add or expression.is_Mul:
        return _joined("+" if expression.is_Add else "*", parts)
    if expression.func.__name__ in KNOWN_FUNCTIONS:
        return Call(expression.func.__name__, tuple(parts))
    raise CalculationError("a result can't be used further", "Ask for it alone.", category="domain")


def _joined(sign: str, parts: list[Node]) -> Node:
    tree = parts[0]
    for part in parts[1:]:
        tree = Operation(sign, tree, part)
    return tree
