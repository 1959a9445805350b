"""What the names of a constraint program mean, as z3 sorts, constants and functions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from lottery_logic.language.errors import Place, ProgramError
from lottery_logic.language.tree import (
    Apply,
    Bound,
    Declaration,
    Domain,
    Members,
    Program,
    Range,
    Sort,
    SortName,
)
from lottery_logic.solvers.limits import Spending
from lottery_plugins.errors import suggest

__all__ = ["Vocabulary"]

Term = Any
BUILT_IN = ("int", "bool")


class Vocabulary:
    """The sorts, members, unknowns and functions of one program, in a z3 context of its own.

    A program without sort and let is first-order. Where a formula is wanted, a new name is true or false, and one with
    arguments a predicate; where a thing is wanted, it is a thing, and one with arguments a function. Things are not
    limited in number, and two names may mean one.

    Args:
        program: Its declarations are read at once.
        spending: Nodes that may still be made.

    Attributes:
        limits_of_values: What the declared ranges and sets say about the unknowns, with the declaration's place.

    Raises:
        ProgramError: A name is declared twice, or a sort is unknown.
    """

    def __init__(self, program: Program, spending: Spending) -> None:
        import z3

        self._z3 = z3
        self.context = z3.Context()
        self.limits_of_values: list[tuple[Term, Place]] = []
        self._spending = spending
        self._sorts: dict[str, tuple[Term, tuple[Term, ...]]] = {}
        self._values: dict[str, Term] = {}
        self._functions: dict[str, Term] = {}
        self._places: dict[str, Place] = {}
        self._sets: dict[tuple[str, ...], str] = {}
        for statement in program.statements:
            if isinstance(statement, Sort):
                self._declare_sort(statement.name, statement.members, statement.place)
            elif isinstance(statement, Declaration):
                self._declare(statement)
        self.is_open = not self._places
        self._thing = z3.DeclareSort("thing", self.context) if self.is_open else None

    def value(self, name: str, place: Place) -> Term:
        """The constant or unknown of that name."""
        if name in self._values:
            return self._values[name]
        if name in self._functions:
            raise ProgramError(place, f"{name!r} needs arguments: {self._use(name)}")
        if not self.is_open:
            known = ", ".join([*self._values, *self._functions])
            raise ProgramError(place, f"unknown name {name!r}", f"{suggest(name, self._values)}Known are {known}.")
        self._values[name] = self._z3.Const(name, self._thing)
        return self._values[name]

    def expect_predicate(self, name: str, arity: int) -> None:
        """In a first-order program, take a new name where a formula is wanted for a predicate."""
        if self.is_open and name not in self._functions:
            self._functions[name] = self._z3.Function(name, *[self._thing] * arity, self._z3.BoolSort(self.context))

    def expect_statement(self, name: str) -> None:
        """In a first-order program, take a new name alone where a formula is wanted for one that is true or false."""
        if self.is_open and name not in self._values:
            self._values[name] = self._z3.Bool(name, self.context)

    def function(self, node: Apply, sorts: Sequence[Term]) -> Term:
        """The predicate or function that a node applies; where nothing is declared, a new one is a function."""
        if node.name not in self._functions:
            if not self.is_open:
                raise ProgramError(
                    node.place,
                    f"unknown predicate or function {node.name!r}",
                    f"{suggest(node.name, self._functions)}Declare it, e.g. let {node.name}(person) in 1..5",
                )
            self._functions[node.name] = self._z3.Function(node.name, *[self._thing] * len(sorts), self._thing)
        function = self._functions[node.name]
        if function.arity() != len(sorts):
            raise ProgramError(
                node.place, f"{node.name} takes {function.arity()} arguments, not {len(sorts)}", self._use(node.name)
            )
        return function

    def things(self, bound: Bound) -> list[Term]:
        """Fresh variables over all things."""
        if not self.is_open:
            raise ProgramError(bound.place, "it is not said what the variable ranges over", self._range_hint())
        return [self._z3.Const(name, self._thing) for name in bound.names]

    def values(self, bound: Bound, what: str) -> tuple[Term, ...]:
        """All values that bound variables range over."""
        match bound.domain:
            case Range(low=low, high=high):
                self._spending.spend(high - low + 1, bound.place)
                return tuple(self._z3.IntVal(n, self.context) for n in range(low, high + 1))
            case Members(values=values):
                return tuple(self._member(value, bound.place) for value in values)
            case SortName(name="bool"):
                return tuple(self._z3.BoolVal(truth, self.context) for truth in (False, True))
            case SortName(name=name) if name in self._sorts:
                return self._sorts[name][1]
            case None:
                raise ProgramError(bound.place, f"{what} needs a finite range", self._range_hint())
        name = bound.domain.name
        problem = f"{what} can't range over all numbers" if name == "int" else f"unknown sort {name!r}"
        raise ProgramError(bound.place, problem, self._range_hint())

    def sort_text(self, sort: Term) -> str:
        """A sort in the words of the language."""
        if sort == self._z3.IntSort(self.context):
            return "a number"
        if sort == self._z3.BoolSort(self.context):
            return "true or false"
        members = next((members for known, members in self._sorts.values() if known == sort), ())
        return f"one of {{{', '.join(map(str, members))}}}" if members else "a thing"

    def _member(self, value: str | int, place: Place) -> Term:
        return self._z3.IntVal(value, self.context) if isinstance(value, int) else self.value(value, place)

    def _range_hint(self) -> str:
        named = next(iter(self._sorts), "1..5")
        return f"Write e.g. forall x in {named}: ... with a sort, 1..5 or {{a, b}}."

    def _use(self, name: str) -> str:
        function = self._functions[name]
        return f"{name}({', '.join(self.sort_text(function.domain(i)) for i in range(function.arity()))})"

    def _claim(self, name: str, place: Place) -> None:
        if name in BUILT_IN or name in self._places:
            where = f" in line {self._places[name].line}" if name in self._places else ""
            hint = "Declare each name once; for sets that share a name write: sort s = {all names}, then let x in s."
            raise ProgramError(place, f"{name!r} is declared already{where}", hint)
        self._places[name] = place

    def _declare_sort(self, name: str, members: tuple[str, ...], place: Place) -> Term:
        self._claim(name, place)
        for member in members:
            self._claim(member, place)
        sort, constants = self._z3.EnumSort(name, members, ctx=self.context)
        self._sorts[name] = (sort, tuple(constants))
        self._values.update(zip(members, constants, strict=True))
        return sort

    def _declare(self, declaration: Declaration) -> None:
        sorts = [self._sort(domain) for domain in declaration.arguments]
        result = self._sort(declaration.domain)
        for name in declaration.names:
            self._claim(name, declaration.place)
            if sorts:
                self._functions[name] = self._z3.Function(name, *sorts, result)
            else:
                self._values[name] = self._z3.Const(name, result)
            for term in self._all_values_of(name, declaration):
                self._limit(term, declaration.domain)

    def _all_values_of(self, name: str, declaration: Declaration) -> list[Term]:
        """The unknown itself; a function for each combination of its arguments."""
        if not declaration.arguments:
            return [self._values[name]]
        if not isinstance(declaration.domain, Range | Members) or isinstance(declaration.domain, SortName):
            return []
        choices = [self.values(Bound(("x",), domain, declaration.place), name) for domain in declaration.arguments]
        terms = []
        for arguments in product(*choices):
            self._spending.spend(place=declaration.place)
            terms.append(self._functions[name](*arguments))
        return terms

    def _limit(self, term: Term, domain: Domain) -> None:
        """Keep what the declaration says about the values."""
        match domain:
            case Range(low=low, high=high):
                self.limits_of_values.append((self._z3.And(low <= term, term <= high), domain.place))
            case Members(values=values) if isinstance(values[0], int):
                self.limits_of_values.append((self._z3.Or([term == value for value in values]), domain.place))
            case Members(values=values) if len(values) < len(self._sorts_members(term)):
                allowed = [term == self.value(str(value), domain.place) for value in values]
                self.limits_of_values.append((self._z3.Or(allowed), domain.place))

    def _sorts_members(self, term: Term) -> tuple[Term, ...]:
        return next((members for sort, members in self._sorts.values() if sort == term.sort()), ())

    def _sort(self, domain: Domain) -> Term:
        """The z3 sort that a domain's values have; a new set of names makes a sort of its own."""
        match domain:
            case SortName(name="bool"):
                return self._z3.BoolSort(self.context)
            case SortName(name="int") | Range():
                return self._z3.IntSort(self.context)
            case SortName(name=name):
                if name not in self._sorts:
                    known = ", ".join([*self._sorts, *BUILT_IN])
                    raise ProgramError(domain.place, f"unknown sort {name!r}", f"Known are {known}.")
                return self._sorts[name][0]
            case Members(values=values):
                if isinstance(values[0], int):
                    return self._z3.IntSort(self.context)
                return self._sort_of_names(tuple(map(str, values)), domain.place)

    def _sort_of_names(self, names: tuple[str, ...], place: Place) -> Term:
        known = [sort for sort, members in self._sorts.values() if set(names) <= set(map(str, members))]
        return known[0] if known else self._declare_sort(f"one of {', '.join(names)}", names, place)
