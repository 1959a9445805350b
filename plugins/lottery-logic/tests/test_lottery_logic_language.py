"""The little language: what is read, what is refused and where, and the way back to text."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lottery_logic.language.errors import ProgramError
from lottery_logic.language.formulas import read_formula
from lottery_logic.language.parser import KEYWORDS, parse
from lottery_logic.language.render import render, render_expression
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
    Truth,
    Variable,
)
from lottery_logic.prompts import language_page

from lottery_plugins.testing.strategies import model_text


def refusal(text):
    with pytest.raises(ProgramError) as caught:
        parse(text)
    return caught.value


def test_facts_and_rules_are_read():
    program = parse('# known\nfact Cold(Bob) and not Kind("old Tom").\nrule Sees($x, 3) -> not Kind($x)\nask Kind(Bob)')
    assert program == Program(
        "rules",
        (
            Fact(Signed("Cold", ("Bob",))),
            Fact(Signed("Kind", ("old Tom",), holds=False)),
            Rule((Signed("Sees", (Variable("x"), "3")),), (Signed("Kind", (Variable("x"),), holds=False),)),
            Ask(Signed("Kind", ("Bob",))),
        ),
    )


def test_commas_in_facts_and_rules_are_read_as_and():
    assert parse("fact P(a), Q(a)\nrule P($x), Q($x) -> R($x), S($x)\nask R(a)") == parse(
        "fact P(a) and Q(a)\nrule P($x) and Q($x) -> R($x) and S($x)\nask R(a)"
    )


def test_constraints_are_read():
    program = parse("sort s = {a, b}\nlet f(s) in 1..2\nlet x, y in {1, 3}\nlet p\nchoose can\noption A: f(a) = x\n")
    assert program == Program(
        "constraints",
        (
            Sort("s", ("a", "b")),
            Declaration(("f",), (SortName("s"),), Range(1, 2)),
            Declaration(("x", "y"), (), Members((1, 3))),
            Declaration(("p",), (), SortName("bool")),
            Choose("can"),
            Option("A", Binary("=", Apply("f", (Name("a"),)), Name("x"))),
        ),
    )


@pytest.mark.parametrize(
    ("spelling", "plain"),
    [
        ("∀x (Dog(x) → ¬Cat(x))", "forall x: Dog(x) -> not Cat(x)"),
        ("ForAll x. Dog(x) => !Cat(x)", "forall x: Dog(x) -> not Cat(x)"),
        ("a ∧ b ∨ c ⊕ d", "(a and b) or (c xor d)"),  # noqa: RUF001 - as above
        ("a && b || ~c", "(a and b) or (not c)"),
        ("a ↔ b", "a <-> b"),
        ("a iff b implies c", "a <-> (b -> c)"),
        ("a -> b -> c", "a -> (b -> c)"),
        ("not a = b", "not (a = b)"),
        ("not p(a) and q(a)", "(not p(a)) and q(a)"),
        ("a + b * 2 - 1 <= 5", "((a + (b * 2)) - 1) <= 5"),
        ("x == 7 - 1", "x = (7 - 1)"),
        ("a ≠ b", "a != b"),
        ("∀x∃y Loves(x, y)", "forall x: exists y: Loves(x, y)"),
        ("∃x Dog(x) ∧ Cat(tom)", "(exists x: Dog(x)) and Cat(tom)"),
        ("exists x: Dog(x) and Cat(tom)", "exists x: (Dog(x) and Cat(tom))"),
        ("forall $x in 1..3: f($x) > 1", "forall x in 1..3: (f($x) > 1)"),
        ("1 < x < y", "(1 < x) and (x < y)"),
        ("[a or b] and c", "(a or b) and c"),
        ("In(rome, italy)", '"In"(rome, italy)'),
    ],
)
def test_spellings_of_models_mean_the_plain_ones(spelling, plain):
    assert read_formula(spelling) == read_formula(plain)


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("fact Cold(Bob)\nask Cold(Bob", 2, 13, "Allowed here is ',' or ')'"),
        ("fact Cold(Bob)\nrule Cold($x) Kind($x)\nask Cold(Bob)", 2, 15, "one statement per line"),
        ("fact Cold(Bob)\nassume Cold(Bob)", 2, 1, "which begins with fact, rule"),
        ("fact Cold(Bob)\nask Cold(Bob, @)", 2, 15, "double quotes"),
        ("rule Cold(Bob)\nask Cold(Bob)", 1, 1, "Write: rule p($x)"),
        ("fact Cold(Bob, True)\nask Cold(Bob)", 1, 16, "Write p(a) for what holds"),
        ("fact Cold(Bob) or Kind(Bob)\nask Cold(Bob)", 1, 16, "use let and assert"),
        ("let x in 5..1\nask x = 1", 1, 10, "Write the smaller number first"),
        ("let x in {a, a}\nask x = a", 1, 10, "Name each value once"),
        ("let x in 1..3\nfact Cold(Bob)\nask x = 1", 2, 1, "Use either fact, rule"),
        ("let x in 1..3\nask x = 1\noption A: x = 2", 3, 1, "Keep one kind of question"),
        ("let x in 1..3\noption A: x = 1\noption A: x = 2", 3, 1, "Label each once"),
        ("let x in 1..3\nchoose may\noption A: x = 1", 2, 8, "must, can, cannot, need_not"),
        ("let and in 1..3\nask x = 1", 1, 5, "'and' is a word of the language"),
        ("let x in 1..3.5\nask x = 1", 1, 15, "the end of the line"),
        ("sort s = {1, 2}\nask true", 1, 10, "For numbers write"),
    ],
)
def test_a_refusal_names_line_column_and_what_is_allowed(text, line, column, says):
    error = refusal(text)
    assert (error.place.line, error.place.column) == (line, column), error.located
    assert says in error.hint
    assert error.located.startswith(f"line {line}, column {column}: ")


def test_what_is_about_the_whole_program_is_refused_without_a_place():
    assert "no statement" in refusal("# nothing\n").located
    assert "nothing is asked" in refusal("fact Cold(Bob)").located


@pytest.mark.parametrize(
    "text",
    [
        "ask " + "(" * 500 + "a" + ")" * 500,
        "assert " + "not " * 5000 + "a\nask a",
        "assert " + " -> ".join("a" * 1 for _ in range(3000)) + "\nask a",
        "assert " + " - ".join("a" for _ in range(3000)) + " = 1\nask a",
        "fact p(" + ",".join("a" for _ in range(30_000)) + ")\nask p(a)",
        "fact p(a)\n" * 2500 + "ask p(a)",
        "rule " + " and ".join("p($x)" for _ in range(60)) + " -> q($x)\nask q(a)",
        "let x in 1..9999999999999999\nask x = 1",
    ],
)
def test_what_is_too_large_is_a_limit_and_not_a_crash(text):
    assert refusal(text).category == "limit"


def test_the_programs_of_the_page_are_programs():
    blocks, current = [], []
    for line in language_page().splitlines():
        if line.startswith("    "):
            current.append(line[4:])
        elif current:
            blocks, current = [*blocks, "\n".join(current)], []
    assert len(blocks) == 3
    for block in blocks:
        parse(block)


def test_the_page_names_every_statement():
    page = language_page()
    assert all(f"`{keyword}" in page or f"\n    {keyword} " in page for keyword in KEYWORDS)


NAMES = st.sampled_from(("a", "Bob", "red_book", "bald eagle", "not", "x1", "Łódź", "in", "ask"))
PLACES_APART = st.integers(-99, 99)


def literals():
    arguments = st.lists(st.one_of(NAMES, NAMES.map(lambda n: Variable(n.replace(" ", "_")))), max_size=3)
    return st.builds(Signed, NAMES, arguments.map(tuple), st.booleans())


def domains():
    ranges = st.tuples(PLACES_APART, st.integers(0, 9)).map(lambda pair: Range(pair[0], pair[0] + pair[1]))
    names = st.lists(NAMES, min_size=1, max_size=3, unique=True).map(lambda n: Members(tuple(n)))
    numbers = st.lists(PLACES_APART, min_size=1, max_size=3, unique=True).map(lambda n: Members(tuple(n)))
    return st.one_of(ranges, names, numbers, NAMES.map(SortName))


def bounds(domain):
    return st.builds(Bound, st.lists(NAMES, min_size=1, max_size=2, unique=True).map(tuple), domain)


LEAVES = st.one_of(NAMES.map(Name), st.integers(-20, 20).map(Number), st.booleans().map(Truth))


def larger(inner):
    two = st.lists(inner, min_size=2, max_size=3).map(tuple)
    some = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Apply, NAMES, some),
        inner.map(Not),
        st.builds(Joined, st.sampled_from(("and", "or", "xor", "+", "*")), two),
        st.builds(Binary, st.sampled_from(("->", "<->", "-", "=", "!=", "<", "<=", ">", ">=")), inner, inner),
        st.builds(Quantified, st.sampled_from(("forall", "exists")), bounds(st.none() | domains()), inner),
        st.builds(Count, bounds(domains()), inner),
        st.builds(Distinct, two, st.none()),
        st.builds(Distinct, inner.map(lambda part: (part,)), bounds(domains())),
    )


FORMULAS = st.recursive(LEAVES, larger, max_leaves=8)


@given(formula=FORMULAS)
def test_a_formula_is_the_same_after_it_was_written_and_read(formula):
    assert read_formula(render_expression(formula)) == formula


def constraint_programs():
    names = st.lists(NAMES, min_size=1, max_size=3, unique=True).map(tuple)
    known = st.one_of(
        st.builds(Sort, NAMES, names),
        st.builds(Declaration, names, st.just(()), domains()),
        st.builds(
            Declaration, NAMES.map(lambda n: (n,)), st.lists(domains(), min_size=1, max_size=2).map(tuple), domains()
        ),
        st.builds(Assert, FORMULAS),
        st.builds(Choose, st.sampled_from(("must", "can", "cannot", "need_not"))),
    )
    found = st.one_of(NAMES.map(Name), st.builds(Apply, NAMES, st.lists(LEAVES, max_size=2).map(tuple)))
    asked = st.one_of(
        st.lists(st.builds(Ask, FORMULAS), min_size=1, max_size=2),
        st.lists(st.builds(Find, st.lists(found, min_size=1, max_size=2).map(tuple)), min_size=1, max_size=2),
        st.lists(FORMULAS, min_size=1, max_size=3).map(lambda fs: [Option("ABC"[i], f) for i, f in enumerate(fs)]),
    )
    both = st.tuples(st.lists(known, min_size=1, max_size=4), asked)
    return both.map(lambda parts: Program("constraints", (*parts[0], *parts[1])))


def rule_programs():
    some = st.lists(literals(), min_size=1, max_size=3).map(tuple)
    known = st.lists(st.one_of(st.builds(Fact, literals()), st.builds(Rule, some, some)), min_size=1, max_size=4)
    asked = st.lists(st.builds(Ask, literals()), min_size=1, max_size=2)
    return st.tuples(known, asked).map(lambda parts: Program("rules", (*parts[0], *parts[1])))


@given(program=st.one_of(constraint_programs(), rule_programs()))
def test_a_program_is_the_same_after_it_was_written_and_read(program):
    assert parse(render(program)) == program


PIECES = st.one_of(
    st.sampled_from(
        (*KEYWORDS, "and", "not", "->", "forall", "in", "1..3", "{", "}", "(", ")", ",", ":", "\n", "$x", "p")
    ),
    st.text(max_size=5),
)


@given(text=st.one_of(model_text(), st.lists(PIECES, max_size=20).map(" ".join)))
def test_any_text_is_a_program_or_refused(text):
    with contextlib.suppress(ProgramError):
        program = parse(text)
        assert parse(render(program)) == program
