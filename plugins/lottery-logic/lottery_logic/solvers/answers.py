"""The answer to a program, as text."""

from __future__ import annotations

from lottery_logic.language.errors import ProgramError
from lottery_logic.language.render import render_expression, render_literal
from lottery_logic.language.tree import Ask, Choose, Expression, Find, Mode, Option, Program, Signed, Variable
from lottery_logic.solvers.chainer import Chainer
from lottery_logic.solvers.constraints import Constraints
from lottery_logic.solvers.limits import SolverLimits

__all__ = ["NONE", "TRUTHS", "answer"]

TRUTHS = {True: "true", False: "false", None: "unknown"}
NONE = "none"
MAX_VALUES = 20


def answer(program: Program, limits: SolverLimits) -> str:
    """What a program answers.

    Returns:
        For `ask`: "true", "false" or "unknown", a line each; with variables the values for which it follows. For
        `option`: the labels of those that are wanted, or "none". For `find`: a line for each name with its values.

    Raises:
        ProgramError: The program is wrong, contradicts itself, or exceeds a limit.
    """
    return _answer_rules(program, limits) if program.kind == "rules" else _answer_constraints(program, limits)


def _answer_rules(program: Program, limits: SolverLimits) -> str:
    chainer = Chainer(program, limits)
    lines, labels, has_options = [], [], False
    for statement in program.statements:
        if isinstance(statement, Ask | Option) and isinstance(statement.formula, Signed):
            truth = _truth(chainer, statement.formula)
            if isinstance(statement, Ask):
                lines.append(_with_values(chainer, statement.formula) or TRUTHS[truth])
                continue
            has_options = True
            labels += [statement.label] if truth else []
    return (", ".join(labels) or NONE) if has_options else "\n".join(lines)


def _truth(chainer: Chainer, literal: Signed) -> bool | None:
    """Whether a literal follows, its opposite does, or neither.

    Raises:
        ProgramError: Both do.
    """
    opposite = Signed(literal.predicate, literal.arguments, not literal.holds, literal.place)
    yes, no = chainer.matches(literal), chainer.matches(opposite)
    both = next((binding for binding in yes if binding in no), None)
    if both is not None:
        lines = sorted(chainer.lines_of(literal, both) | chainer.lines_of(opposite, both))
        raise ProgramError(
            literal.place,
            f"both {render_literal(literal)} and its opposite follow, from lines {', '.join(map(str, lines))}",
            "Check each of these lines against the problem.",
            category="domain",
        )
    return True if yes else False if no else None


def _with_values(chainer: Chainer, literal: Signed) -> str:
    """For a question with variables: the values for which it follows; "" for one without."""
    if not any(isinstance(argument, Variable) for argument in literal.arguments):
        return ""
    found = [", ".join(f"${name} = {value}" for name, value in b.items()) for b in chainer.matches(literal)]
    more = [f"and {len(found) - MAX_VALUES} more"] if len(found) > MAX_VALUES else []
    return "; ".join([*found[:MAX_VALUES], *more]) or NONE


def _answer_constraints(program: Program, limits: SolverLimits) -> str:
    constraints = Constraints(program, limits)
    constraints.check_consistent()
    mode: Mode = next((s.mode for s in program.statements if isinstance(s, Choose)), "must")
    lines, labels, has_options = [], [], False
    for statement in program.statements:
        if isinstance(statement, Ask):
            lines.append(TRUTHS[constraints.follows(_formula(statement.formula))])
        elif isinstance(statement, Option):
            has_options = True
            labels += [statement.label] if constraints.chosen(mode, _formula(statement.formula)) else []
        elif isinstance(statement, Find):
            for name in statement.names:
                lines.append(_values(render_expression(name), constraints.values_of(name, MAX_VALUES)))
    return (", ".join(labels) or NONE) if has_options else "\n".join(lines)


def _formula(formula: Signed | Expression) -> Expression:
    if isinstance(formula, Signed):
        raise TypeError("a constraint program holds formulas, not literals")
    return formula


def _values(name: str, values: list[str]) -> str:
    if len(values) == 1:
        return f"{name} = {values[0]}"
    more = ", ..." if len(values) > MAX_VALUES else ""
    return f"{name} in {{{', '.join(values[:MAX_VALUES])}{more}}}"
