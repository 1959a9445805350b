"""The little language of the tape: one command a line, read by regular expressions. Pure; any text is allowed.

    READ a          what stands in cell a; READ alone: in the cell under the head
    WRITE a text    put the text, to the end of the line, into cell a; also written a = text
    COPY a b        put what stands in a into b as well
    MOV a b         put what stands in a into b, and leave a blank
    JUMP a          put the head on the numbered cell a

A cell is named by

    12, -3          its number: the cells that the head can stand on, without end in both directions
    total, step_2   a name of letters, digits and underscores that does not begin with a digit
    @               the cell under the head; @+1 and @-2: so many cells to its right or left
    @[a]            the cell whose number or name stands in cell a; may be nested

Commands are read in upper or lower case, names as they are written. Double quotes around a text are not part of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["HELP", "Address", "Command", "Verb", "parse_address", "parse_command"]

Verb = Literal["READ", "WRITE", "COPY", "MOV", "JUMP"]

HELP = (
    "One command a line: READ cell, WRITE cell text, COPY from to, MOV from to, JUMP cell. A cell is a number, a name, "
    "@ (under the head), @+1, @-1, or @[cell] (the cell that is named there)."
)

_CELL = r"@\[\S+\]|@(?:[+-][0-9]+)?|-?[0-9]+|[A-Za-z_]\w*"
_COMMAND = re.compile(r"(READ|WRITE|COPY|MOVE|MOV|JUMP)\b[ \t:]*(.*)", re.IGNORECASE | re.DOTALL)
_ASSIGNMENT = re.compile(rf"({_CELL})\s*=\s*(.*)", re.DOTALL)
_ONE = re.compile(rf"(?:to\s+)?({_CELL})", re.IGNORECASE)
_TWO = re.compile(rf"({_CELL})(?:\s*(?:,|->|\bto\b)\s*|\s+)({_CELL})", re.IGNORECASE)
_TEXT = re.compile(rf"({_CELL})(?:\s*[,=]\s*|\s+)(.+)", re.DOTALL)
_PLACE = re.compile(r"@([+-][0-9]+)?")
_NUMBER = re.compile(r"-?[0-9]+")
_NAME = re.compile(r"[A-Za-z_]\w*")
_MAX_DIGITS = 18
_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Address:
    """Where a cell is, not yet looked up.

    Attributes:
        kind: "number", "name", or "head": `offset` cells from where the head is.
        name: The name of a named cell.
        number: The number of a numbered cell, or the offset from the head.
        depth: How many times the cell found holds the address of the one that is meant.
    """

    kind: Literal["number", "name", "head"]
    name: str = ""
    number: int = 0
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        verb: What to do.
        cell: The cell it is done to, or taken from.
        target: The cell that COPY and MOV fill.
        text: What WRITE writes.
    """

    verb: Verb
    cell: Address
    target: Address | None = None
    text: str = ""


def parse_command(line: str) -> Command | None:
    """The command of one line; None when it is none."""
    line = line.strip()
    found = _COMMAND.fullmatch(line)
    if found is None or found[2].startswith("="):
        return _write(_ASSIGNMENT.fullmatch(line))
    word, rest = found[1].upper(), found[2]
    if word == "WRITE":
        return _write(_TEXT.fullmatch(rest))
    if word in ("COPY", "MOV", "MOVE"):
        return _two(word, rest)
    if word == "READ" and not rest:
        return Command("READ", Address("head"))
    one = _ONE.fullmatch(rest)
    cell = parse_address(one[1]) if one else None
    if cell is None:
        return None
    return Command("JUMP" if word == "JUMP" else "READ", cell)


def parse_address(text: str) -> Address | None:
    """The address that a text is; None when it is none, has more than 18 digits, or is nested deeper than 8."""
    depth = 0
    while text.startswith("@[") and text.endswith("]") and depth < _MAX_DEPTH:
        text, depth = text[2:-1].strip(), depth + 1
    if len(text) > _MAX_DIGITS and not _NAME.fullmatch(text):
        return None
    if place := _PLACE.fullmatch(text):
        return Address("head", number=int(place[1] or 0), depth=depth)
    if _NUMBER.fullmatch(text):
        return Address("number", number=int(text), depth=depth)
    return Address("name", name=text, depth=depth) if _NAME.fullmatch(text) else None


def _write(found: re.Match[str] | None) -> Command | None:
    cell = parse_address(found[1]) if found else None
    if found is None or cell is None:
        return None
    text = found[2].strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return Command("WRITE", cell, text=text)


def _two(word: str, rest: str) -> Command | None:
    found = _TWO.fullmatch(rest)
    source, target = (parse_address(found[1]), parse_address(found[2])) if found else (None, None)
    if source is None or target is None:
        return None
    return Command("COPY" if word == "COPY" else "MOV", source, target)
