"""From formulas to the literals that facts, rules and their questions are made of."""

from __future__ import annotations

from lottery_logic.language.errors import ProgramError
from lottery_logic.language.tree import Apply, Expression, Joined, Name, Not, Number, Signed, Truth, Variable

__all__ = ["conjuncts", "signed"]

HINT = "In facts and rules a part is p(a, $x) or not p(a, $x); use let and assert for anything else."


def conjuncts(formula: Expression) -> tuple[Expression, ...]:
    """The parts of an `and`, or the formula alone."""
    if isinstance(formula, Joined) and formula.operator == "and":
        return tuple(part for inner in formula.parts for part in conjuncts(inner))
    return (formula,)


def signed(formula: Expression) -> Signed:
    """The literal that a formula is.

    Raises:
        ProgramError: It is none.
    """
    holds = True
    while isinstance(formula, Not):
        holds, formula = not holds, formula.inner
    if isinstance(formula, Name):
        return Signed(formula.name, (), holds, formula.place)
    if isinstance(formula, Apply):
        return Signed(formula.name, tuple(_argument(part) for part in formula.arguments), holds, formula.place)
    raise ProgramError(formula.place, "this is not a predicate with arguments", HINT)


def _argument(term: Expression) -> str | Variable:
    match term:
        case Variable():
            return term
        case Name(name=name):
            return name
        case Number(value=value):
            return str(value)
        case Truth():
            raise ProgramError(
                term.place,
                "true and false are no arguments",
                "Write p(a) for what holds and not p(a) for its opposite.",
            )
    raise ProgramError(term.place, "an argument is a name or a $variable", HINT)
