"""Answers constraint programs with z3."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from lottery_logic.language.errors import NOWHERE, Place, ProgramError
from lottery_logic.language.tree import Apply, Assert, Expression, Mode, Name, Program
from lottery_logic.solvers.limits import SolverLimits, Spending
from lottery_logic.solvers.vocabulary import Vocabulary
from lottery_logic.solvers.z3_terms import Terms

__all__ = ["Constraints"]

Term = Any


class Constraints:
    """All that a constraint program asserts, and what follows from it.

    Args:
        program: Its declarations and assertions.
        limits: The budget.

    Raises:
        ProgramError: A name or a sort is wrong, the program is too large, or its assertions contradict each other.
    """

    def __init__(self, program: Program, limits: SolverLimits) -> None:
        import z3

        self._z3, self._limits = z3, limits
        self._end = time.monotonic() + limits.timeout_s
        nodes = f"{limits.max_nodes} nodes once its quantifiers are written out"
        spending = Spending(limits.max_nodes, nodes, self._end)
        self._words = Vocabulary(program, spending)
        self._terms = Terms(self._words, spending)
        self._solver = z3.Solver(ctx=self._words.context)
        self._solver.set("rlimit", limits.max_steps)
        self._solver.set("unsat_core", True)
        self._solver.set("core.minimize", True)
        self._is_sound = False  # until z3 has found a case in which all holds
        self._marks: list[tuple[Term, Place]] = []
        for statement in program.statements:
            if isinstance(statement, Assert):
                self._add(self._terms.formula(statement.formula), statement.place)
        for term, place in self._words.limits_of_values:
            self._add(term, place)

    def check_consistent(self) -> None:
        """Refuse assertions that contradict each other, from which anything would follow.

        Raises:
            ProgramError: They do; it names the lines.
        """
        answer = self._check()
        self._is_sound = answer == self._z3.sat
        if answer == self._z3.unsat:
            core = {str(mark) for mark in self._solver.unsat_core()}
            places = sorted({place for mark, place in self._marks if str(mark) in core})
            raise ProgramError(
                places[0] if places else NOWHERE,
                f"these can't all hold: lines {', '.join(map(str, sorted({p.line for p in places})))}",
                "Check each of these lines against the problem.",
                category="domain",
            )

    def follows(self, formula: Expression) -> bool | None:
        """Whether a formula must be true (True), must be false (False), or neither follows (None)."""
        term = self._terms.formula(formula)
        yes = self._is_impossible(self._z3.Not(term))
        if yes and self._is_sound:
            return True
        no = self._is_impossible(term)
        if yes and no:
            problem = "the statements contradict each other: both this and its opposite follow"
            raise ProgramError(formula.place, problem, "Check each line against the problem.", category="domain")
        return True if yes else False if no else None

    def chosen(self, mode: Mode, formula: Expression) -> bool:
        """Whether an option is one that must be true, can be, can't be, or need not be."""
        term = self._terms.formula(formula)
        if mode in ("must", "need_not"):
            return self._is_impossible(self._z3.Not(term)) == (mode == "must")
        return self._is_impossible(term) == (mode == "cannot")

    def values_of(self, node: Name | Apply, most: int) -> list[str]:
        """The values that an unknown may take, sorted; one more than `most` when there are more."""
        term = self._terms.term(node, {})
        found: list[Term] = []
        self._solver.push()
        try:
            while len(found) <= most and self._check(node.place, needs_answer=True) == self._z3.sat:
                value = self._solver.model().eval(term, model_completion=True)
                found.append(value)
                self._solver.add(term != value)
        finally:
            self._solver.pop()
        return [str(value) for value in sorted(found, key=lambda v: (v.as_long() if self._is_int(v) else 0, str(v)))]

    def _is_int(self, value: Term) -> bool:
        return bool(self._z3.is_int_value(value))

    def _add(self, term: Term, place: Place) -> None:
        mark = self._z3.FreshBool("asserted", self._words.context)
        self._marks.append((mark, place))
        self._solver.assert_and_track(term, mark)

    def _is_impossible(self, term: Term) -> bool:
        return bool(self._check(NOWHERE, term, needs_answer=True) == self._z3.unsat)

    def _check(self, place: Place = NOWHERE, *terms: Term, needs_answer: bool = False) -> Term:
        self._solver.set("timeout", max(1, int(1000 * (self._end - time.monotonic()))))
        answer = self._solver.check(*self._assumed(terms))
        if needs_answer and answer == self._z3.unknown:
            raise ProgramError(
                place,
                "the solver gave up within its limits",
                "Use finite sorts and fewer quantifiers.",
                category="limit",
            )
        return answer

    def _assumed(self, terms: Sequence[Term]) -> list[Term]:
        """Formulas as z3 takes them for one question: literals that stand for them."""
        assumed = []
        for term in terms:
            mark = self._z3.FreshBool("asked", self._words.context)
            self._solver.add(self._z3.Implies(mark, term))
            assumed.append(mark)
        return assumed
