"""Logic-LM's programs for facts and rules (PrOntoQA, ProofWriter), written for the Pyke engine.

    Facts:
    Cold(Bob, True) ::: Bob is cold.
    Rules:
    Cold($x, True) && Kind($x, False) >>> Quiet($x, True)
    Query:
    Quiet(Bob, True)

The last argument says whether the statement holds; a missing one means that it does.
"""

from __future__ import annotations

import re

from lottery_logic.formats.sections import Line, sections
from lottery_logic.language.errors import Place, ProgramError
from lottery_logic.language.tree import Ask, Fact, Program, Rule, Signed, Statement, Variable

__all__ = ["read_deduction"]

_ATOM = re.compile(r"\s*((?:[!~¬]\s*|not\s+)*)([^\W\d][\w\- ]*?)\s*\(([^()]*)\)\s*\.?\s*")
_NEGATED = re.compile(r"\s*Not\s*\((.*\))\s*(?:,\s*([Tt]rue|[Ff]alse)\s*)?\)\s*\.?\s*")
_WORD = re.compile(r"[^\W_][\w\-' ]*")


def read_deduction(text: str) -> Program:
    """Read a program.

    Raises:
        ProgramError: A line is neither a fact nor a rule, or the query is missing or not one literal.
    """
    found = sections(text, ("Predicates", "Facts", "Rules", "Query"), ("Facts", "Query"))
    statements: list[Statement] = []
    for line in (*found["Facts"], *found.get("Rules", ())):
        statements.append(_statement(line))
    queries = found["Query"]
    if len(queries) != 1:
        raise ProgramError(queries[1][1] if queries else Place(1, 1), f"there are {len(queries)} queries, not one")
    asked = _literal(*queries[0])
    statements.append(Ask(asked, asked.place))
    return Program("rules", tuple(statements))


def _statement(line: Line) -> Statement:
    content, place = line
    if "<<<" in content:
        head, _, body = content.partition("<<<")
    else:
        body, arrow, head = content.partition(">>>")
        if not arrow:
            return Fact(_literal(content, place), place)
    return Rule(_literals(body, place), _literals(head, place), place)


def _literals(content: str, place: Place) -> tuple[Signed, ...]:
    return tuple(_literal(part, place) for part in content.split("&&"))


def _literal(content: str, place: Place) -> Signed:
    """`Sees($x, cat, True)`, or the same behind a sign for "not" or inside `Not(...)`."""
    if negated := _NEGATED.fullmatch(content):
        inner = _literal(negated[1], place)
        holds = inner.holds == ((negated[2] or "true").lower() == "false")
        return Signed(inner.predicate, inner.arguments, holds, place)
    atom = _ATOM.fullmatch(content)
    if atom is None:
        raise ProgramError(place, f"{content.strip()[:60]!r} is no literal", "Write Predicate(thing, True).")
    holds = not len(re.findall(r"[!~¬]|not\b", atom[1])) % 2
    arguments = [part.strip() for part in atom[3].split(",")]
    if arguments and arguments[-1].lower() in ("true", "false"):
        holds = holds == (arguments.pop().lower() == "true")
    return Signed(_joined(atom[2]), tuple(_argument(part, place) for part in arguments), holds, place)


def _argument(text: str, place: Place) -> str | Variable:
    if text.startswith("$") and _WORD.fullmatch(text[1:]):
        return Variable(text[1:], place)
    if not _WORD.fullmatch(text) or text.lower() in ("true", "false", "bool"):
        raise ProgramError(place, f"{text[:40]!r} is neither a thing nor a $variable")
    return _joined(text)


def _joined(text: str) -> str:
    """One name for all spellings of a thing: "Bald Eagle", "bald_eagle" and "bald-eagle"."""
    return re.sub(r"[\s\-_]+", "_", text.strip()).lower()
