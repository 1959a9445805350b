"""What an algebraic request is read into, and the limits it must keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

__all__ = ["Call", "Equation", "Listing", "Negative", "Node", "Number", "Operation", "Symbol", "nodes_of", "replaced"]


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number or a decimal, exactly."""

    value: Fraction
    column: int = 0


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable or a constant."""

    name: str
    column: int = 0


@dataclass(frozen=True, slots=True)
class Negative:
    """Minus an operand."""

    inner: Node
    column: int = 0


@dataclass(frozen=True, slots=True)
class Operation:
    """Two operands of "+", "-", "*", "/" or "**"."""

    sign: str
    left: Node
    right: Node
    column: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A function such as sin, or an operation such as solve."""

    name: str
    arguments: tuple[Node, ...]
    column: int = 0


@dataclass(frozen=True, slots=True)
class Equation:
    """Two sides that are equal."""

    left: Node
    right: Node
    column: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """Several things in square brackets."""

    items: tuple[Node, ...]
    column: int = 0


Node: TypeAlias = Number | Symbol | Negative | Operation | Call | Equation | Listing


def nodes_of(node: Node) -> Iterator[Node]:
    """The node and all inside it."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        match node:
            case Negative(inner=inner):
                waiting.append(inner)
            case Operation(left=left, right=right) | Equation(left=left, right=right):
                waiting += (left, right)
            case Call(arguments=parts) | Listing(items=parts):
                waiting += parts


def replaced(node: Node, values: Mapping[str, Node]) -> Node:
    """The tree with symbols replaced by other trees."""
    match node:
        case Symbol(name=name):
            return values.get(name, node)
        case Negative(inner=inner):
            return replace(node, inner=replaced(inner, values))
        case Operation(left=left, right=right) | Equation(left=left, right=right):
            return replace(node, left=replaced(left, values), right=replaced(right, values))
        case Call(arguments=arguments):
            return replace(node, arguments=tuple(replaced(part, values) for part in arguments))
        case Listing(items=items):
            return replace(node, items=tuple(replaced(item, values) for item in items))
    return node
