"""Logic-LM's constraint programs (LogicalDeduction), written for python-constraint.

    Domain:
    1: leftmost
    3: rightmost
    Variables:
    red_book [IN] [1, 2, 3]
    Constraints:
    red_book < blue_book ::: The red book is to the left of the blue book.
    AllDifferentConstraint([red_book, blue_book, green_book])
    Query:
    A) red_book == 1

The section Domain explains the numbers to a reader and says nothing to a solver.
"""

from __future__ import annotations

import re

from lottery_logic.formats.sections import Line, sections
from lottery_logic.language.errors import NOWHERE, ProgramError
from lottery_logic.language.formulas import read_formula
from lottery_logic.language.tree import Assert, Declaration, Distinct, Expression, Members, Name, Option, Program

__all__ = ["read_finite_domains"]

_VARIABLE = re.compile(r"([^\W\d][\w\- ]*?)\s*\[IN\]\s*\[\s*(-?\d+(?:\s*,\s*-?\d+)*)\s*\]")
_ALL_DIFFERENT = re.compile(r"AllDifferentConstraint\s*\(\s*\[([^\[\]]*)\]\s*\)")
_OPTION = re.compile(r"\(?([A-Z])\)\s*(.+)")


def read_finite_domains(text: str) -> Program:
    """Read a program.

    Raises:
        ProgramError: A section is missing, or a line of one can't be read.
    """
    found = sections(text, ("Domain", "Variables", "Constraints", "Query"), ("Variables", "Constraints", "Query"))
    declared = [_variable(line) for line in found["Variables"]]
    spellings = {name: name for declaration in declared for name in declaration.names}
    asserted = [Assert(_constraint(line, spellings), line[1]) for line in found["Constraints"]]
    options = [_option(line, spellings) for line in found["Query"]]
    if not options:
        raise ProgramError(NOWHERE, "the section Query is empty", "Write: A) red_book == 1")
    return Program("constraints", (*declared, *asserted, *options))


def _variable(line: Line) -> Declaration:
    content, place = line
    match = _VARIABLE.fullmatch(content)
    if match is None:
        raise ProgramError(place, f"{content[:60]!r} declares no variable", "Write: red_book [IN] [1, 2, 3]")
    values = tuple(dict.fromkeys(int(value) for value in match[2].split(",")))
    return Declaration((_joined(match[1]),), (), Members(values, place), place)


def _constraint(line: Line, declared: dict[str, str]) -> Expression:
    content, place = line
    if match := _ALL_DIFFERENT.fullmatch(content):
        return Distinct(tuple(Name(_joined(name), place) for name in match[1].split(",") if name.strip()), None, place)
    return _formula(content, place.line, declared)


def _option(line: Line, declared: dict[str, str]) -> Option:
    content, place = line
    match = _OPTION.fullmatch(content)
    if match is None:
        raise ProgramError(place, f"{content[:60]!r} is no option", "Write: A) red_book == 1")
    return Option(match[1], _formula(match[2], place.line, declared), place)


def _formula(content: str, line: int, declared: dict[str, str]) -> Expression:
    """A formula; a declared name may be written with spaces in it."""
    for name in declared:
        if "_" in name:
            content = re.sub(rf"\b{re.escape(name).replace('_', r'[_ ]')}\b", name, content)
    return read_formula(content, line)


def _joined(text: str) -> str:
    return re.sub(r"[\s\-]+", "_", text.strip())
