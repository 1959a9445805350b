"""From formulas to z3 terms, built through z3's own constructors; no text is handed to z3.

Quantifiers, counts and `distinct` over finite values are written out, so that what is left for z3 is decidable wherever
the program has only finite sorts. Each program gets a context of its own: calls in several threads do not meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from lottery_logic.language.errors import Place, ProgramError
from lottery_logic.language.tree import (
    Apply,
    Binary,
    Bound,
    Count,
    Distinct,
    Expression,
    Joined,
    Name,
    Not,
    Number,
    Quantified,
    Truth,
    Variable,
)
from lottery_logic.solvers.limits import Spending

if TYPE_CHECKING:
    from lottery_logic.solvers.vocabulary import Vocabulary

__all__ = ["Terms"]

Term = Any
"""A z3 expression; z3 has no usable types."""

Scope = Mapping[str, Term]


class Terms:
    """Makes z3 terms of one program.

    Args:
        vocabulary: What its names mean.
        spending: Nodes that may still be made.
    """

    def __init__(self, vocabulary: Vocabulary, spending: Spending) -> None:
        import z3

        self._z3, self._words, self._spending = z3, vocabulary, spending
        self._context = vocabulary.context

    def formula(self, node: Expression, scope: Scope | None = None) -> Term:
        """A term that is true or false.

        Raises:
            ProgramError: A name is unknown, the kinds of values do not fit, or the formula is too large.
        """
        scope = scope or {}
        if isinstance(node, Apply):
            self._words.expect_predicate(node.name, len(node.arguments))
        elif isinstance(node, Name) and node.name not in scope:
            self._words.expect_statement(node.name)
        return self._of_sort(node, scope, self._is_bool, "true or false")

    def term(self, node: Expression, scope: Scope) -> Term:
        """Any term."""
        self._spending.spend(place=node.place)
        match node:
            case Name(name=name) | Variable(name=name):
                return scope[name] if name in scope else self._words.value(name, node.place)
            case Number(value=value):
                return self._z3.IntVal(value, self._context)
            case Truth(value=truth):
                return self._z3.BoolVal(truth, self._context)
            case Apply():
                return self._applied(node, scope)
            case Not(inner=inner):
                return self._z3.Not(self.formula(inner, scope))
            case Joined(operator=operator, parts=parts):
                return self._joined(operator, parts, scope)
            case Binary():
                return self._binary(node, scope)
            case Quantified():
                return self._quantified(node, scope)
            case Count(bound=bound, body=body):
                cases = [self.formula(body, inner) for inner in self._scopes(bound, scope, "count")]
                return self._z3.Sum([self._z3.If(case, self._number(1), self._number(0)) for case in cases])
            case Distinct():
                return self._distinct(node, scope)

    def _number(self, value: int) -> Term:
        return self._z3.IntVal(value, self._context)

    def _applied(self, node: Apply, scope: Scope) -> Term:
        if node.name in scope:
            raise ProgramError(node.place, f"{node.name!r} is a variable here and takes no arguments")
        arguments = [self.term(argument, scope) for argument in node.arguments]
        function = self._words.function(node, [argument.sort() for argument in arguments])
        for i, (argument, part) in enumerate(zip(arguments, node.arguments, strict=True)):
            wanted = function.domain(i)
            if argument.sort() != wanted:
                raise self._misfit(part, argument, self._words.sort_text(wanted))
        return function(*arguments)

    def _joined(self, operator: str, parts: Sequence[Expression], scope: Scope) -> Term:
        if operator in ("+", "*"):
            numbers = [self._of_sort(part, scope, self._is_int, "a number") for part in parts]
            return self._z3.Sum(numbers) if operator == "+" else self._z3.Product(numbers)
        truths = [self.formula(part, scope) for part in parts]
        if operator == "xor":
            result = truths[0]
            for truth in truths[1:]:
                result = self._z3.Xor(result, truth)
            return result
        return self._z3.And(truths) if operator == "and" else self._z3.Or(truths)

    def _binary(self, node: Binary, scope: Scope) -> Term:
        if node.operator in ("=", "!="):
            left, right = self.term(node.left, scope), self.term(node.right, scope)
            if left.sort() != right.sort():
                raise self._misfit(node.right, right, self._words.sort_text(left.sort()))
            return left == right if node.operator == "=" else left != right
        if node.operator in ("->", "<->"):
            left, right = self.formula(node.left, scope), self.formula(node.right, scope)
            return self._z3.Implies(left, right) if node.operator == "->" else left == right
        left, right = (self._of_sort(side, scope, self._is_int, "a number") for side in (node.left, node.right))
        return _ARITHMETIC[node.operator](left, right)

    def _quantified(self, node: Quantified, scope: Scope) -> Term:
        if node.bound.domain is None:
            things = self._words.things(node.bound)
            body = self.formula(node.body, {**scope, **dict(zip(node.bound.names, things, strict=True))})
            return (self._z3.ForAll if node.kind == "forall" else self._z3.Exists)(things, body)
        cases = [self.formula(node.body, inner) for inner in self._scopes(node.bound, scope, node.kind)]
        return self._z3.And(cases) if node.kind == "forall" else self._z3.Or(cases)

    def _distinct(self, node: Distinct, scope: Scope) -> Term:
        scopes = [scope] if node.bound is None else list(self._scopes(node.bound, scope, "distinct"))
        terms = [self.term(part, inner) for inner in scopes for part in node.parts]
        for term in terms[1:]:
            if term.sort() != terms[0].sort():
                raise self._misfit(node, term, self._words.sort_text(terms[0].sort()))
        return self._z3.Distinct(*terms) if len(terms) > 1 else self._z3.BoolVal(True, self._context)

    def _scopes(self, bound: Bound, scope: Scope, what: str) -> Iterator[Scope]:
        """The scope with the bound variables replaced by each combination of their values."""
        values = self._words.values(bound, what)
        for combination in product(values, repeat=len(bound.names)):
            yield {**scope, **dict(zip(bound.names, combination, strict=True))}

    def _of_sort(self, node: Expression, scope: Scope, is_right: Callable[[Term], bool], wanted: str) -> Term:
        term = self.term(node, scope)
        if not is_right(term):
            raise self._misfit(node, term, wanted)
        return term

    def _misfit(self, node: Expression, term: Term, wanted: str) -> ProgramError:
        place: Place = node.place
        return ProgramError(place, f"this is {self._words.sort_text(term.sort())}, wanted is {wanted}")

    def _is_bool(self, term: Term) -> bool:
        return bool(self._z3.is_bool(term))

    def _is_int(self, term: Term) -> bool:
        return bool(self._z3.is_int(term))


_ARITHMETIC: Mapping[str, Callable[[Term, Term], Term]] = {
    "-": lambda left, right: left - right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
