"""From a syntax tree back to text: `parse(render(program)) == program`."""

from __future__ import annotations

import re

from lottery_logic.language.formulas import BINDING, NEGATION
from lottery_logic.language.tokens import RESERVED
from lottery_logic.language.tree import (
    Apply,
    Ask,
    Assert,
    Binary,
    Bound,
    Choose,
    Count,
    Declaration,
    Distinct,
    Domain,
    Expression,
    Fact,
    Find,
    Joined,
    Members,
    Name,
    Not,
    Number,
    Option,
    Program,
    Quantified,
    Range,
    Rule,
    Signed,
    Sort,
    SortName,
    Statement,
    Truth,
    Variable,
)

__all__ = ["render", "render_expression", "render_literal"]

_PLAIN = re.compile(r"[^\W\d]\w*")


def render(program: Program) -> str:
    """The program's text, one statement per line."""
    return "".join(f"{_statement(statement)}\n" for statement in program.statements)


def _statement(statement: Statement) -> str:
    match statement:
        case Fact(literal=literal):
            return f"fact {render_literal(literal)}"
        case Rule(body=body, head=head):
            return f"rule {' and '.join(map(render_literal, body))} -> {' and '.join(map(render_literal, head))}"
        case Sort(name=name, members=members):
            return f"sort {_name(name)} = {{{', '.join(map(_name, members))}}}"
        case Declaration(names=names, arguments=arguments, domain=domain):
            takes = f"({', '.join(map(_domain, arguments))})" if arguments else ""
            return f"let {', '.join(map(_name, names))}{takes} in {_domain(domain)}"
        case Assert(formula=formula):
            return f"assert {render_expression(formula)}"
        case Ask(formula=formula):
            return f"ask {_asked(formula)}"
        case Option(label=label, formula=formula):
            return f"option {label if label.isdigit() else _name(label)}: {_asked(formula)}"
        case Choose(mode=mode):
            return f"choose {mode}"
        case Find(names=names):
            return f"find {', '.join(map(render_expression, names))}"


def _asked(formula: Signed | Expression) -> str:
    return render_literal(formula) if isinstance(formula, Signed) else render_expression(formula)


def render_literal(literal: Signed) -> str:
    """`not sees(cat, $x)`."""
    inside = ", ".join(f"${a.name}" if isinstance(a, Variable) else _constant(a) for a in literal.arguments)
    atom = f"{_name(literal.predicate)}({inside})" if literal.arguments else _name(literal.predicate)
    return atom if literal.holds else f"not {atom}"


def _constant(text: str) -> str:
    return text if re.fullmatch(r"-?[0-9]{1,15}", text) else _name(text)


def _name(name: str) -> str:
    return name if _PLAIN.fullmatch(name) and name not in RESERVED else f'"{name}"'


def _domain(domain: Domain) -> str:
    match domain:
        case Range(low=low, high=high):
            return f"{low}..{high}"
        case Members(values=values):
            return f"{{{', '.join(_name(v) if isinstance(v, str) else str(v) for v in values)}}}"
        case SortName(name=name):
            return _name(name)


def _bound(bound: Bound) -> str:
    names = ", ".join(map(_name, bound.names))
    return names if bound.domain is None else f"{names} in {_domain(bound.domain)}"


def render_expression(node: Expression, binding: int = 0) -> str:
    """The text of an expression, in brackets where what stands around it binds tighter."""
    match node:
        case Name(name=name):
            return _name(name)
        case Variable(name=name):
            return f"${name}"
        case Number(value=value):
            return str(value)
        case Truth(value=truth):
            return str(truth).lower()
        case Apply(name=name, arguments=arguments):
            return f"{_name(name)}({', '.join(map(render_expression, arguments))})"
        case Count(bound=bound, body=body):
            return f"count({_bound(bound)}: {render_expression(body)})"
        case Distinct(parts=parts, bound=bound):
            inside = ", ".join(map(render_expression, parts))
            return f"distinct({inside})" if bound is None else f"distinct({_bound(bound)}: {inside})"
        case Not(inner=inner):
            return _bracketed(f"not {render_expression(inner, NEGATION)}", NEGATION, binding)
        case Quantified(kind=kind, bound=bound, body=body):
            return _bracketed(f"{kind} {_bound(bound)}: {render_expression(body)}", 0, binding)
        case Joined(operator=operator, parts=parts):
            inside = f" {operator} ".join(render_expression(part, BINDING[operator]) for part in parts)
            return _bracketed(inside, BINDING[operator], binding)
        case Binary(operator=operator, left=left, right=right):
            own = BINDING[operator]
            text = f"{render_expression(left, own)} {operator} {render_expression(right, own)}"
            return _bracketed(text, own, binding)


def _bracketed(text: str, own: int, around: int) -> str:
    """In brackets unless it binds tighter than what is around it. A quantifier (0) is open to the right."""
    return text if own > around or (own == around == 0) else f"({text})"
