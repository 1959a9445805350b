"""The operations: from a request's tree to the text of its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lottery_plugins.tools.algebra.names import OPERATIONS
from lottery_plugins.tools.algebra.reading import tree_of
from lottery_plugins.tools.algebra.sizes import check_count, check_size
from lottery_plugins.tools.algebra.solving import solve
from lottery_plugins.tools.algebra.tree import (
    Call,
    Equation,
    Listing,
    Negative,
    Node,
    Number,
    Operation,
    Symbol,
    replaced,
)
from lottery_plugins.tools.algebra.values import Expression, symbol_of, value_of
from lottery_plugins.tools.arithmetic.exact import CalculationError

__all__ = ["answer"]

NAMES = frozenset(OPERATIONS.values())
MAX_ORDER = 10
DIGITS = 12
MAX_DIGITS = 20
"""Of a fraction that `evaluate` gives exactly."""


def answer(node: Node) -> str:
    """The answer to a request, as text.

    Raises:
        CalculationError: There is none, or it could become too large.
    """
    check_count(node)
    if isinstance(node, Equation):
        return solve([_checked(node)], [])
    if isinstance(node, Listing):
        raise CalculationError("a list alone is no request", "Write solve([x + y = 3, x - y = 1], [x, y]).")
    if isinstance(node, Call) and node.name == "solve":
        return _solve(node.arguments)
    return str(_with_a_value(_result(node) if _is_operation(node) else _simplify([node])))


def _is_operation(node: Node) -> bool:
    return isinstance(node, Call) and node.name in NAMES


def _result(node: Node) -> Expression:
    """The value of a tree in which operations may stand inside one another."""
    if isinstance(node, Call) and node.name in NAMES:
        if node.name == "solve":
            raise CalculationError("solve can't stand inside another operation", "Solve first, then use its result.")
        return _METHODS[node.name](node.arguments)
    return value_of(_checked(node))


def _checked(node: Node) -> Node:
    """The tree with the operations inside it replaced by their results, small enough to be computed."""
    flat = _flattened(node)
    check_size(flat)
    return flat


def _flattened(node: Node) -> Node:
    match node:
        case Call(name=name) if name in NAMES:
            return tree_of(_result(node))
        case Call(arguments=arguments):
            return Call(node.name, tuple(map(_flattened, arguments)), node.column)
        case Negative(inner=inner):
            return Negative(_flattened(inner), node.column)
        case Operation(sign=sign, left=left, right=right):
            return Operation(sign, _flattened(left), _flattened(right), node.column)
        case Equation(left=left, right=right):
            return Equation(_flattened(left), _flattened(right), node.column)
    return node


def _value(node: Node) -> Expression:
    """The value of an operation's argument, which must be an expression."""
    if isinstance(node, Equation | Listing):
        raise CalculationError("an expression is wanted, not an equation or a list")
    return value_of(_checked(node))


def _simplify(arguments: Sequence[Node]) -> Expression:
    import sympy

    return sympy.simplify(_value(_only(arguments, "simplify")))


def _expand(arguments: Sequence[Node]) -> Expression:
    import sympy

    return sympy.expand(_value(_only(arguments, "expand")))


def _factor(arguments: Sequence[Node]) -> Expression:
    import sympy

    return sympy.factor(_value(_only(arguments, "factor")))


def _diff(arguments: Sequence[Node]) -> Expression:
    import sympy

    function, variable, rest = _with_variable(arguments, "diff", "diff(x**3, x)")
    order = 1
    if rest:
        if len(rest) > 1 or not isinstance(rest[0], Number) or rest[0].value not in range(1, MAX_ORDER + 1):
            raise CalculationError(f"the order must be a whole number from 1 to {MAX_ORDER}", "Write diff(x**3, x, 2).")
        order = int(rest[0].value)
    return sympy.diff(function, variable, order)


def _integrate(arguments: Sequence[Node]) -> Expression:
    import sympy

    function, variable, rest = _with_variable(arguments, "integrate", "integrate(x**2, x)")
    if len(rest) not in (0, 2):
        raise CalculationError("both limits are wanted, or none", "Write integrate(x**2, x, 0, 1).")
    limits = (variable, *map(_value, rest)) if rest else variable
    found = sympy.integrate(function, limits)
    if found.has(sympy.Integral):
        raise CalculationError("no integral in closed form was found", category="domain")
    return found


def _limit(arguments: Sequence[Node]) -> Expression:
    import sympy

    function, variable, rest = _with_variable(arguments, "limit", "limit(sin(x)/x, x, 0)")
    if len(rest) != 1:
        raise CalculationError("the point is missing", "Write limit(sin(x)/x, x, 0).")
    try:
        found = sympy.limit(function, variable, _value(rest[0]), "+-")
    except ValueError:
        raise CalculationError("the limit does not exist: it differs from the two sides", category="domain") from None
    if found.has(sympy.Limit, sympy.AccumBounds):
        raise CalculationError("the limit was not found, or does not exist", category="domain")
    return found


def _substitute(arguments: Sequence[Node]) -> Expression:
    return _value(_substituted(arguments, "substitute"))


def _evaluate(arguments: Sequence[Node]) -> Expression:
    import sympy

    value = _value(_substituted(arguments, "evaluate"))
    if value.free_symbols:
        names = ", ".join(sorted(map(str, value.free_symbols)))
        raise CalculationError(f"there is no value for {names}", "Write evaluate(x**2 + y, x = 3, y = 1).")
    is_short = value.is_Rational and max(abs(value.p), value.q) < 10**MAX_DIGITS
    return value if is_short else sympy.N(value, DIGITS, chop=True)


def _substituted(arguments: Sequence[Node], name: str) -> Node:
    """An expression with its variables replaced by what the equations behind it say."""
    values: dict[str, Node] = {}
    for part in arguments[1:]:
        if not isinstance(part, Equation) or not isinstance(part.left, Symbol):
            raise CalculationError(f"{name} takes an expression and values", f"Write {name}(x**2 + y, x = 3, y = 1).")
        symbol_of(part.left)
        values[part.left.name] = part.right
    flat = _flattened(arguments[0])
    check_size(flat)
    return replaced(flat, values)


def _only(arguments: Sequence[Node], name: str) -> Node:
    if len(arguments) != 1:
        raise CalculationError(f"{name} takes one expression, not {len(arguments)}", f"Write {name}(x**2 - 1).")
    return arguments[0]


def _with_variable(arguments: Sequence[Node], name: str, example: str) -> tuple[Expression, Expression, Sequence[Node]]:
    """The expression, its variable, and what follows. One that has a single variable need not name it."""
    function = _value(arguments[0])
    if len(arguments) > 1:
        return function, symbol_of(arguments[1]), arguments[2:]
    if len(function.free_symbols) != 1:
        raise CalculationError(f"{name} needs a variable", f"Write {example}.")
    return function, next(iter(function.free_symbols)), ()


def _solve(arguments: Sequence[Node]) -> str:
    """Equations, then the variables; each alone or in a list. A name after an equation is a variable."""
    parts = [item for part in arguments for item in (part.items if isinstance(part, Listing) else (part,))]
    equations = [part for i, part in enumerate(parts) if i == 0 or not isinstance(part, Symbol)]
    variables = [part for i, part in enumerate(parts) if i > 0 and isinstance(part, Symbol)]
    return solve([_checked(part) for part in equations], [symbol_of(part) for part in variables])


def _with_a_value(value: Expression) -> Expression:
    import sympy

    if value.has(sympy.nan, sympy.zoo, sympy.AccumBounds):
        raise CalculationError("it has no value", category="domain")
    return value


_METHODS: Mapping[str, Callable[[Sequence[Node]], Expression]] = {
    "simplify": _simplify,
    "expand": _expand,
    "factor": _factor,
    "diff": _diff,
    "integrate": _integrate,
    "limit": _limit,
    "substitute": _substitute,
    "evaluate": _evaluate,
}
