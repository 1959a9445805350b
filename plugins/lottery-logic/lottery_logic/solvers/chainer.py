"""Forward chaining over facts and rules.

`not p(a)` is a statement of its own, as in Logic-LM's programs: it holds when a fact or a rule says so, and never
because p(a) is not known. A rule is read from left to right only: "p -> q" and "not q" do not give "not p".
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from lottery_logic.language.errors import Place, ProgramError
from lottery_logic.language.tree import Fact, Program, Rule, Signed, Variable
from lottery_logic.solvers.limits import SolverLimits, Spending

__all__ = ["Atom", "Chainer"]

ATOM_STEPS = 20
"""What a new conclusion costs beside the attempts to find it: it takes memory."""

Binding = Mapping[str, str]
Predicate = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class Atom:
    """A literal without variables."""

    predicate: str
    arguments: tuple[str, ...]
    holds: bool

    @property
    def opposite(self) -> Atom:
        """The same with the other sign."""
        return Atom(self.predicate, self.arguments, not self.holds)


@dataclass(slots=True)
class Chainer:
    """All that follows from a program's facts and rules, computed once.

    Attributes:
        lines: By atom, the lines of the facts and rules that it rests on.
        constants: All that occur, sorted: what a variable stands for that is in a fact or only in a rule's head.

    Cost: one step for each attempt to match a body's literal with an atom, and ATOM_STEPS for each conclusion.
    """

    program: Program
    limits: SolverLimits = field(default_factory=SolverLimits)
    lines: dict[Atom, frozenset[int]] = field(default_factory=dict, init=False)
    constants: tuple[str, ...] = field(default=(), init=False)
    _known: dict[Predicate, list[Atom]] = field(default_factory=lambda: defaultdict(list), init=False)
    _by_argument: dict[tuple[Predicate, int, str], list[Atom]] = field(
        default_factory=lambda: defaultdict(list), init=False
    )
    _waiting: deque[Atom] = field(default_factory=deque, init=False)
    _spending: Spending = field(init=False)

    def __post_init__(self) -> None:
        self._spending = Spending(self.limits.max_steps, f"{self.limits.max_steps} steps")
        literals = list(literals_of(self.program))
        _check_arities(literals)
        self.constants = tuple(sorted({a for lit in literals for a in lit.arguments if isinstance(a, str)}))
        self._chain()

    def matches(self, literal: Signed) -> list[dict[str, str]]:
        """The values of a literal's variables for which it follows, in order of derivation."""
        found = []
        for atom in self._candidates(literal, {}):
            binding = self._match(literal, atom, {})
            if binding is not None:
                found.append(binding)
        return found

    def lines_of(self, literal: Signed, binding: Binding) -> frozenset[int]:
        """The lines that a literal rests on, which `matches` found for these values."""
        arguments = tuple(binding[a.name] if isinstance(a, Variable) else a for a in literal.arguments)
        return self.lines[Atom(literal.predicate, arguments, literal.holds)]

    def _chain(self) -> None:
        """Draw conclusions from each new atom until there is none."""
        users: dict[Predicate, list[tuple[Rule, int]]] = defaultdict(list)
        for statement in self.program.statements:
            if isinstance(statement, Rule):
                for i, literal in enumerate(statement.body):
                    users[literal.predicate, literal.holds].append((statement, i))
            elif isinstance(statement, Fact):
                self._conclude((statement.literal,), {}, statement.place.line, ())
        while self._waiting:
            atom = self._waiting.popleft()
            for rule, i in users[atom.predicate, atom.holds]:
                binding = self._match(rule.body[i], atom, {})
                if binding is not None:
                    self._apply(rule, rule.body[:i] + rule.body[i + 1 :], binding, (atom,))

    def _apply(self, rule: Rule, rest: tuple[Signed, ...], binding: Binding, premises: tuple[Atom, ...]) -> None:
        """Match the rest of a body with what is known, and conclude for each way to do it."""
        if not rest:
            self._conclude(rule.head, binding, rule.place.line, premises)
            return
        for atom in self._candidates(rest[0], binding):
            wider = self._match(rest[0], atom, binding)
            if wider is not None:
                self._apply(rule, rest[1:], wider, (*premises, atom))

    def _conclude(self, literals: tuple[Signed, ...], binding: Binding, line: int, premises: tuple[Atom, ...]) -> None:
        """Keep what is new among the literals with their variables replaced."""
        for literal in literals:
            for arguments in self._values(literal, binding):
                atom = Atom(literal.predicate, arguments, literal.holds)
                self._spending.spend()
                if atom not in self.lines:
                    self._spending.spend(ATOM_STEPS)
                    self.lines[atom] = frozenset({line}).union(*(self.lines[premise] for premise in premises))
                    self._keep(atom)
                    self._waiting.append(atom)

    def _keep(self, atom: Atom) -> None:
        predicate = (atom.predicate, atom.holds)
        self._known[predicate].append(atom)
        for i, argument in enumerate(atom.arguments):
            self._by_argument[predicate, i, argument].append(atom)

    def _candidates(self, literal: Signed, binding: Binding) -> tuple[Atom, ...]:
        """The atoms that a literal may be: those with its first argument that is known already, if there is one."""
        predicate = (literal.predicate, literal.holds)
        for i, argument in enumerate(literal.arguments):
            value = argument if isinstance(argument, str) else binding.get(argument.name)
            if value is not None:
                return tuple(self._by_argument[predicate, i, value])
        return tuple(self._known[predicate])

    def _values(self, literal: Signed, binding: Binding) -> Iterator[tuple[str, ...]]:
        """The arguments with variables replaced; a free variable takes every constant."""
        free = list(
            dict.fromkeys(a.name for a in literal.arguments if isinstance(a, Variable) and a.name not in binding)
        )
        for values in product(self.constants, repeat=len(free)):
            full = {**binding, **dict(zip(free, values, strict=True))}
            yield tuple(full[a.name] if isinstance(a, Variable) else a for a in literal.arguments)

    def _match(self, literal: Signed, atom: Atom, binding: Binding) -> dict[str, str] | None:
        """The binding made wide enough for the literal to be the atom; None when it can't be."""
        self._spending.spend()
        found = dict(binding)
        for wanted, got in zip(literal.arguments, atom.arguments, strict=True):
            if isinstance(wanted, str):
                if wanted != got:
                    return None
            elif found.setdefault(wanted.name, got) != got:
                return None
        return found


def literals_of(program: Program) -> Iterator[Signed]:
    """All literals of a rule program."""
    for statement in program.statements:
        match statement:
            case Fact(literal=literal):
                yield literal
            case Rule(body=body, head=head):
                yield from body
                yield from head
            case _:
                formula = getattr(statement, "formula", None)
                if isinstance(formula, Signed):
                    yield formula


def _check_arities(literals: list[Signed]) -> None:
    """A predicate always takes the same number of arguments."""
    first: dict[str, tuple[int, Place]] = {}
    for literal in literals:
        count, place = first.setdefault(literal.predicate, (len(literal.arguments), literal.place))
        if count != len(literal.arguments):
            raise ProgramError(
                literal.place,
                f"{literal.predicate} has {len(literal.arguments)} arguments here and {count} in line {place.line}",
                "A predicate always takes the same number of arguments.",
            )
