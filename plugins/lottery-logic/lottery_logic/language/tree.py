"""The syntax tree of a program: what the parser makes, the readers of other formats make, and the solvers take.

Places are left out of comparisons, so that a program equals itself after it was written out and read again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from lottery_logic.language.errors import NOWHERE, Place

__all__ = [
    "Apply", "Ask", "Assert", "Binary", "Bound", "Choose", "Count", "Declaration", "Distinct", "Domain", "Expression",
    "Fact", "Find", "Joined", "Members", "Mode", "Name", "Not", "Number", "Option", "Program", "Quantified", "Range",
    "Rule", "Signed", "Sort", "SortName", "Statement", "Truth", "Variable",
]  # fmt: skip

Mode = Literal["must", "can", "cannot", "need_not"]


@dataclass(frozen=True, slots=True)
class Name:
    """A name without arguments: a constant, a member of a sort, a bound variable, or something true or false."""

    name: str
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a rule, written $x."""

    name: str
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number."""

    value: int
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Truth:
    """`true` or `false`."""

    value: bool
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Apply:
    """A predicate or function with its arguments."""

    name: str
    arguments: tuple[Expression, ...]
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    """A negation."""

    inner: Expression
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Joined:
    """Two or more parts under one operator: "and", "or", "xor", "+", "*"."""

    operator: str
    parts: tuple[Expression, ...]
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """Two sides of "->", "<->", "-", "=", "!=", "<", "<=", ">" or ">="."""

    operator: str
    left: Expression
    right: Expression
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Range:
    """The whole numbers from `low` to `high`."""

    low: int
    high: int
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Members:
    """These names, or these numbers."""

    values: tuple[str, ...] | tuple[int, ...]
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SortName:
    """A sort by its name; `int` and `bool` are there from the start."""

    name: str
    place: Place = field(default=NOWHERE, compare=False, repr=False)


Domain: TypeAlias = Range | Members | SortName


@dataclass(frozen=True, slots=True)
class Bound:
    """Bound variables and what they range over; None: all things."""

    names: tuple[str, ...]
    domain: Domain | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Quantified:
    """`forall` or `exists`."""

    kind: Literal["forall", "exists"]
    bound: Bound
    body: Expression
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Count:
    """For how many values the body holds: a number."""

    bound: Bound
    body: Expression
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Distinct:
    """No two of the parts are equal; with `bound`, no two values of the one part."""

    parts: tuple[Expression, ...]
    bound: Bound | None = None
    place: Place = field(default=NOWHERE, compare=False, repr=False)


Expression: TypeAlias = Name | Variable | Number | Truth | Apply | Not | Joined | Binary | Quantified | Count | Distinct


@dataclass(frozen=True, slots=True)
class Signed:
    """A literal of a rule program: an atom, or its opposite.

    Attributes:
        predicate: Its name.
        arguments: Constants as text, numbers included, and variables.
        holds: False for the opposite: `not p(a)`.
    """

    predicate: str
    arguments: tuple[str | Variable, ...]
    holds: bool = True
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that holds; a variable in it stands for every constant of the program."""

    literal: Signed
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """When all of the body holds, so does all of the head."""

    body: tuple[Signed, ...]
    head: tuple[Signed, ...]
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Sort:
    """A finite set of things with names."""

    name: str
    members: tuple[str, ...]
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Declaration:
    """`let`: unknowns with the values they may take. With sorts of arguments, a function or predicate."""

    names: tuple[str, ...]
    arguments: tuple[Domain, ...]
    domain: Domain
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Assert:
    """Something that holds, as a formula."""

    formula: Expression
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """Does it follow? A literal in a rule program, a formula in a constraint program."""

    formula: Signed | Expression
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Option:
    """One of several answers to choose from."""

    label: str
    formula: Signed | Expression
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Choose:
    """Which options are wanted: those that must be true (as without it), can, cannot, or need not."""

    mode: Mode
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Find:
    """The values that unknowns may take."""

    names: tuple[Name | Apply, ...]
    place: Place = field(default=NOWHERE, compare=False, repr=False)


Statement: TypeAlias = Fact | Rule | Sort | Declaration | Assert | Ask | Option | Choose | Find


@dataclass(frozen=True, slots=True)
class Program:
    """A program of one kind: "rules" goes to the chainer, "constraints" to z3."""

    kind: Literal["rules", "constraints"]
    statements: tuple[Statement, ...]
