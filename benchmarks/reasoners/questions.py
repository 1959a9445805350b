"""Questions whose every step has one right result: "Work out ((17 + 25) * 3) - 14."

In a lookup question one operand is a name, whose value a document tells and a model may or may not know.
"""

from __future__ import annotations

import ast
import operator
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lottery_plugins.documents import Document

OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}


@dataclass(frozen=True)
class Term:
    """A number, a name, or an operation on two terms.

    Attributes:
        sign: "+", "-", "*"; "" for a number or a name.
        parts: The two operands; () for a number or a name.
        atom: The number or name as text.
    """

    sign: str = ""
    parts: tuple[Term, ...] = ()
    atom: str = ""

    @property
    def text(self) -> str:
        """The one way in which it is written."""
        left_right = [f"({part.text})" if part.sign else part.text for part in self.parts]
        return f" {self.sign} ".join(left_right) if self.sign else self.atom

    @property
    def is_name(self) -> bool:
        return not self.sign and not self.atom.lstrip("-").isdigit()

    def operations(self) -> Iterator[Term]:
        """All operations in it, operands before what they are operands of; the last is the term itself."""
        for part in self.parts:
            yield from part.operations()
        if self.sign:
            yield self

    def names(self) -> Iterator[Term]:
        """All names in it."""
        if self.is_name:
            yield self
        for part in self.parts:
            yield from part.names()

    def value(self, facts: Mapping[str, int]) -> int:
        """The right result."""
        if self.sign:
            left, right = (part.value(facts) for part in self.parts)
            return OPERATIONS[self.sign](left, right)
        return facts[self.atom] if self.is_name else int(self.atom)


def parse(text: str) -> Term | None:
    """The term that a text writes; None when it is none."""
    try:
        return _term(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError):
        return None


def _term(node: ast.expr) -> Term:
    if isinstance(node, ast.BinOp) and type(node.op) in _SIGNS:
        return Term(_SIGNS[type(node.op)], (_term(node.left), _term(node.right)))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return Term(atom=f"-{_term(node.operand).atom}")
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return Term(atom=str(node.value))
    if isinstance(node, ast.Name):
        return Term(atom=node.id)
    raise ValueError(ast.dump(node))


@dataclass(frozen=True)
class World:
    """The facts that lookup questions are about.

    Attributes:
        facts: Value of each name.
        popularity: How well known each name is, in [0, 1), all equally likely.
    """

    facts: Mapping[str, int] = field(default_factory=dict)
    popularity: Mapping[str, float] = field(default_factory=dict)

    @property
    def documents(self) -> tuple[Document, ...]:
        """One document per fact."""
        return tuple(Document(name, f"The value of {name} is {value}.", name) for name, value in self.facts.items())


def make_world(size: int, seed: int) -> World:
    """A world of so many names."""
    rng = random.Random(f"world {seed}")
    names = [f"K{number}" for number in range(100, 100 + size)]
    return World({name: rng.randint(11, 99) for name in names}, {name: rng.random() for name in names})


def make_terms(count: int, seed: int, world: World, *, with_name: bool) -> list[Term]:
    """Terms of three operations; with a name, each has one of the world's, one after the other."""
    rng = random.Random(f"terms {seed} {with_name}")
    names = list(world.facts)
    made = []
    for index in range(count):
        atoms = [Term(atom=str(rng.randint(11, 99))) for _ in range(4)]
        if with_name:
            atoms[rng.randrange(4)] = Term(atom=names[index % len(names)])
        one, two, three = (rng.choice("+-*") for _ in range(3))
        first = Term(one, (atoms[0], atoms[1]))
        if rng.random() < 0.5:
            made.append(Term(three, (Term(two, (first, atoms[2])), atoms[3])))
        else:
            made.append(Term(three, (first, Term(two, (atoms[2], atoms[3])))))
    return made
