"""Equations and systems of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lottery_plugins.tools.algebra.sizes import check_size
from lottery_plugins.tools.algebra.tree import Node
from lottery_plugins.tools.algebra.values import Expression, value_of
from lottery_plugins.tools.arithmetic.exact import CalculationError

__all__ = ["solve"]

MAX_DEGREE = 20
MAX_EQUATIONS = 8
MAX_EXACT_CHARS = 60
"""A longer root is shown as a decimal."""

DIGITS = 12


def solve(equations: Sequence[Node], variables: Sequence[Expression]) -> str:
    """All solutions, complex ones included: "x = -2; x = 2", or "x = 1, y = 2" for a system.

    Args:
        equations: Equations, or expressions that are to be zero.
        variables: What to solve for; none: the only variables that there are.

    Raises:
        CalculationError: It is not said for what, there are too many equations, or no method is known.
    """
    import sympy

    if len(equations) > MAX_EQUATIONS:
        raise CalculationError(f"there are more than {MAX_EQUATIONS} equations", category="limit")
    if any(check_size(equation).degree > MAX_DEGREE for equation in equations):
        raise CalculationError(f"the equation has a degree above {MAX_DEGREE}", category="limit")
    zeros = [value_of(equation) for equation in equations]
    unknowns = list(variables) or _unknowns(zeros)
    if all(sympy.simplify(zero) == 0 for zero in zeros):
        return "every value is a solution"
    found = _found(zeros, unknowns)
    ordered = sorted(found, key=lambda solution: [_order(solution.get(unknown)) for unknown in unknowns])
    texts = [", ".join(_shown(unknown, s[unknown]) for unknown in unknowns if unknown in s) for s in ordered]
    if not any(texts):
        return "no solution" if _are_polynomials(zeros, unknowns) else "no solution was found"
    return "; ".join(text for text in dict.fromkeys(texts) if text) + _again(zeros, unknowns)


def _found(zeros: Sequence[Expression], unknowns: Sequence[Expression]) -> list[dict[Any, Expression]]:
    """The solutions as sympy gives them, all of them where the equations are polynomials.

    A system of polynomials is solved with `strict`, without which sympy leaves out roots that it can't write down.
    """
    import sympy
    from sympy.polys.polyerrors import UnsolvableFactorError

    try:
        if len(zeros) == 1 and len(unknowns) == 1:
            return [{unknowns[0]: value} for value in _roots(zeros[0], unknowns[0])]
        if _are_polynomials(zeros, unknowns) and not _are_linear(zeros, unknowns):
            tuples = sympy.solve_poly_system(zeros, *unknowns, strict=True) or []
            return [dict(zip(unknowns, values, strict=True)) for values in tuples]
        return list(sympy.solve(zeros, unknowns, dict=True))
    except (NotImplementedError, UnsolvableFactorError):
        raise CalculationError("no method for these equations is known", category="domain") from None


def _roots(zero: Expression, unknown: Expression) -> list[Expression]:
    """The solutions of one equation; those of a polynomial that have no formula as decimals, found all at once."""
    import sympy

    values = sympy.solve(zero, unknown)
    without_formula = {value.poly for value in values if isinstance(value, sympy.CRootOf)}
    decimals = [root for poly in without_formula for root in poly.nroots(n=DIGITS)]
    return [value for value in values if not isinstance(value, sympy.CRootOf)] + decimals


def _are_polynomials(zeros: Sequence[Expression], unknowns: Sequence[Expression]) -> bool:
    return all(zero.is_polynomial(*unknowns) for zero in zeros)


def _are_linear(zeros: Sequence[Expression], unknowns: Sequence[Expression]) -> bool:
    import sympy

    return all(sympy.Poly(zero, *unknowns).total_degree() <= 1 for zero in zeros)


def _again(zeros: Sequence[Expression], unknowns: Sequence[Expression]) -> str:
    """The period of an equation such as sin(x) = 1/2, of which one period's solutions are given."""
    import sympy

    waves = (sympy.sin, sympy.cos, sympy.tan, sympy.cot, sympy.sec, sympy.csc)
    if len(zeros) > 1 or len(unknowns) > 1 or not zeros[0].has(*waves):
        return ""
    period = sympy.periodicity(zeros[0], unknowns[0])
    return f" (and again every {period})" if period else ""


def _unknowns(zeros: Sequence[Expression]) -> list[Expression]:
    """The variables to solve for when none is named."""
    found = sorted(set().union(*(zero.free_symbols for zero in zeros)), key=str)
    if not found:
        raise CalculationError("there is no variable in it", "Write solve(x**2 - 4 = 0, x).")
    if len(found) > len(zeros):
        names = ", ".join(map(str, found))
        raise CalculationError(f"it is not said which of {names} to solve for", "Write solve(a*x = b, x).")
    return found


def _order(value: Expression | None) -> tuple[bool, float, str]:
    """Real numbers first, by size."""
    if value is None or value.free_symbols:
        return (True, 0.0, str(value))
    number = complex(value.evalf())
    return (abs(number.imag) > 1e-12, number.real, str(value))


def _shown(unknown: Expression, value: Expression) -> str:
    import sympy

    text = str(value)
    if not value.free_symbols and (len(text) > MAX_EXACT_CHARS or value.has(sympy.Float, sympy.CRootOf)):
        return f"{unknown} ≈ {sympy.N(value, DIGITS, chop=True)}"
    return f"{unknown} = {text}"
