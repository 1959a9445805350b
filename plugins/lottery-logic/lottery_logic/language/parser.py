"""From a program's text to its syntax tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, get_args

from lottery_logic.language.errors import NOWHERE, ProgramError
from lottery_logic.language.formulas import FormulaParser
from lottery_logic.language.literals import conjuncts, signed
from lottery_logic.language.tokens import Token, tokenize
from lottery_logic.language.tree import (
    Apply,
    Ask,
    Assert,
    Binary,
    Choose,
    Declaration,
    Domain,
    Expression,
    Fact,
    Find,
    Mode,
    Name,
    Option,
    Program,
    Rule,
    Signed,
    Sort,
    SortName,
    Statement,
)

__all__ = ["KEYWORDS", "parse"]

Kind = Literal["rules", "constraints"]

KIND_OF: Mapping[str, Kind | None] = {
    "fact": "rules", "rule": "rules",
    "sort": "constraints", "let": "constraints", "assert": "constraints", "find": "constraints",
    "choose": "constraints",
    "ask": None, "option": None,
}  # fmt: skip
"""What kind of program a statement makes it; None: either."""

KEYWORDS = tuple(KIND_OF)

MAX_STATEMENTS = 2000
MAX_LITERALS = 40
"""In one rule."""


def parse(text: str) -> Program:
    """Read a program.

    Raises:
        ProgramError: It can't be read; with line, column, and what is allowed there.
    """
    parser = FormulaParser(tokenize(text))
    lines: list[tuple[Token, Callable[[Kind], Iterable[Statement]]]] = []
    while parser.token.kind != "end":
        if not parser.has("newline"):
            lines.append(_statement(parser))
    if not lines:
        raise ProgramError(NOWHERE, "there is no statement in it", f"Statements begin with {', '.join(KEYWORDS)}.")
    if len(lines) > MAX_STATEMENTS:
        raise ProgramError(NOWHERE, f"it has more than {MAX_STATEMENTS} statements", "Shorten it.", category="limit")
    kind = _kind([keyword for keyword, _ in lines])
    statements = tuple(statement for _, make in lines for statement in make(kind))
    _check_asks(statements)
    return Program(kind, statements)


def _kind(keywords: list[Token]) -> Kind:
    """The kind of program that its statements make it; mixed ones are refused."""
    telling = [(token, KIND_OF[token.text.lower()]) for token in keywords if KIND_OF[token.text.lower()] is not None]
    if not telling:
        place = keywords[0].place
        raise ProgramError(
            place, "nothing is known in this program", "Begin with fact and rule, or with let and assert."
        )
    first, kind = telling[0]
    for token, other in telling:
        if other != kind:
            raise ProgramError(
                token.place,
                f"{token.text!r} can't stand in a program with {first.text!r} (line {first.place.line})",
                "Use either fact, rule, ask and option, or sort, let, assert, ask, option, choose and find.",
            )
    return kind if kind is not None else "rules"


def _check_asks(statements: tuple[Statement, ...]) -> None:
    """A program asks for one kind of thing."""
    asked = [s for s in statements if isinstance(s, Ask | Option | Find)]
    if not asked:
        raise ProgramError(NOWHERE, "nothing is asked", "End with ask, option or find.")
    for statement in asked:
        if type(statement) is not type(asked[0]):
            raise ProgramError(
                statement.place, "ask, option and find can't stand in one program", "Keep one kind of question."
            )
    labels: set[str] = set()
    for statement in asked:
        if isinstance(statement, Option):
            if statement.label in labels:
                raise ProgramError(statement.place, f"two options are labelled {statement.label}", "Label each once.")
            labels.add(statement.label)


def _statement(parser: FormulaParser) -> tuple[Token, Callable[[Kind], Iterable[Statement]]]:
    """One line: its keyword, and what makes the statements once the kind of program is known."""
    keyword = parser.token
    word = keyword.text.lower()
    if keyword.kind != "name" or word not in KIND_OF:
        raise parser.unexpected(f"a statement, which begins with {', '.join(KEYWORDS)}")
    parser.take()
    if word not in ("option",):
        parser.has(":")
    make = _READERS[word](parser, keyword)
    parser.check_end()
    return keyword, make


def _fact(parser: FormulaParser, keyword: Token) -> Callable[[Kind], Iterable[Statement]]:
    facts = [Fact(signed(part), keyword.place) for part in _parts(parser)]
    return lambda kind: facts


def _parts(parser: FormulaParser) -> list[Expression]:
    """What stands under `and`, or between commas, which models write for it."""
    parts = list(conjuncts(parser.expression()))
    while parser.has(","):
        parts += conjuncts(parser.expression())
    return parts


def _rule(parser: FormulaParser, keyword: Token) -> Callable[[Kind], Iterable[Statement]]:
    body: list[Expression] = []
    head: list[Expression] = []
    for part in _parts(parser):
        if head or not isinstance(part, Binary) or part.operator != "->":
            (head or body).append(part)
        else:
            body += conjuncts(part.left)
            head += conjuncts(part.right)
    if not head:
        parser.check_end()
        raise ProgramError(keyword.place, "the rule has no arrow", "Write: rule p($x) and q($x) -> r($x)")
    if len(body) + len(head) > MAX_LITERALS:
        hint = "Split it up."
        raise ProgramError(keyword.place, f"the rule has more than {MAX_LITERALS} parts", hint, category="limit")
    rule = Rule(tuple(map(signed, body)), tuple(map(signed, head)), keyword.place)
    return lambda kind: [rule]


def _sort(parser: FormulaParser, keyword: Token) -> Callable[[Kind], Iterable[Statement]]:
    name = parser.take("name", "the name of the sort").text
    parser.take("=")
    opening = parser.take("{", "the members of the sort: {ann, bob}")
    members = parser.members()
    if not all(isinstance(value, str) for value in members.values):
        raise ProgramError(opening.place, "the members of a sort are names", "For numbers write: let x in 1..5")
    return lambda kind: [Sort(name, tuple(map(str, members.values)), keyword.place)]


def _let(parser: FormulaParser, keyword: Token) -> Callable[[Kind], Iterable[Statement]]:
    names = [parser.take("name", "a name to declare").text]
    arguments: tuple[Domain, ...] = ()
    if parser.has("("):
        found = [parser.domain()]
        while parser.has(","):
            found.append(parser.domain())
        parser.take(")", "',' or ')'")
        arguments = tuple(found)
    while not arguments and parser.has(","):
        names.append(parser.take("name", "a name to declare").text)
    domain: Domain = SortName("bool", keyword.place)
    if parser.has("in"):
        domain = parser.domain()
    elif not arguments and parser.token.kind != "newline":
        raise parser.unexpected("'in' and the values: let a, b in 1..5")
    return lambda kind: [Declaration(tuple(names), arguments, domain, keyword.place)]


def _assert(parser: FormulaParser, keyword: Token) -> Callable[[Kind], Iterable[Statement]]:
    formula = parser.expression()
    return lambda kind: [Assert(formula, keyword.place)]


def _ask(parser: FormulaParser, keyword: Token) -> Callable[[Kind], Iterable[Statement]]:
    formula = parser.expression()
    return lambda kind: [Ask(_asked(formula, kind), keyword.place)]


def _option(parser: FormulaParser, keyword: Token) -> Callable[[Kind], Iterable[Statement]]:
    bracketed = parser.has("(")
    label = parser.token
    if label.kind not in ("name", "number"):
        raise parser.unexpected("the option's label: option A: formula")
    parser.take()
    closed = parser.has(")") or bracketed
    if not parser.has(":") and not closed:
        raise parser.unexpected("':' after the option's label")
    formula = parser.expression()
    return lambda kind: [Option(label.text, _asked(formula, kind), keyword.place)]


def _asked(formula: Expression, kind: Kind) -> Expression | Signed:
    return signed(formula) if kind == "rules" else formula


def _choose(parser: FormulaParser, keyword: Token) -> Callable[[Kind], Iterable[Statement]]:
    token = parser.token
    modes: dict[str, Mode] = {mode: mode for mode in get_args(Mode)}
    if token.text.lower() not in modes:
        raise parser.unexpected(f"one of {', '.join(modes)}")
    mode = modes[parser.take().text.lower()]
    return lambda kind: [Choose(mode, keyword.place)]


def _find(parser: FormulaParser, keyword: Token) -> Callable[[Kind], Iterable[Statement]]:
    found: list[Name | Apply] = []
    while True:
        value = parser.named()
        if not isinstance(value, Name | Apply):
            raise parser.unexpected("a declared name")
        found.append(value)
        if not parser.has(","):
            return lambda kind: [Find(tuple(found), keyword.place)]


_READERS = {
    "fact": _fact, "rule": _rule, "sort": _sort, "let": _let, "assert": _assert, "ask": _ask, "option": _option,
    "choose": _choose, "find": _find,
}  # fmt: skip
