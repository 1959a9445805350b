"""Constraints and first-order formulas: z3 agrees with counting by hand, and errors say where."""

import threading
from itertools import product

import pytest

pytest.importorskip("z3")

from hypothesis import given, settings
from hypothesis import strategies as st
from lottery_logic.language.errors import ProgramError
from lottery_logic.language.parser import parse
from lottery_logic.solvers.answers import answer
from lottery_logic.solvers.limits import SolverLimits


def solved(text, **limits):
    return answer(parse(text), SolverLimits(**limits))


def refusal(text, **limits):
    with pytest.raises(ProgramError) as caught:
        solved(text, **limits)
    return caught.value


SHELF = "let red, blue, green in 1..3\nassert distinct(red, blue, green)\nassert red < blue\n"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("ask red = 3", "false"),
        ("ask red < 3", "true"),
        ("ask green = 2", "unknown"),
        ("find red, green", "red in {1, 2}\ngreen in {1, 2, 3}"),
        ("assert green = 2\nfind red", "red = 1"),
        ("option A: red = 1\noption B: red != 3\noption C: blue > 1", "B, C"),
        ("option A: red = 3", "none"),
        ("choose can\noption A: red = 3\noption B: green = 3", "B"),
        ("choose cannot\noption A: red = 3\noption B: green = 3", "A"),
        ("choose need_not\noption A: red < 3\noption B: green = 3", "B"),
    ],
)
def test_an_order_of_three(question, expected):
    assert solved(SHELF + question) == expected


PEOPLE = """sort person = {Ann, Bob, Eve}
let seat(person) in 1..4
let likes(person, person)
assert distinct(x in person: seat(x))
assert forall x in person: likes(x, Bob) -> seat(x) > seat(Bob)
assert count(x in person: likes(x, Bob)) = 2
"""


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("ask seat(Bob) <= 2", "true"),
        ("ask likes(Bob, Bob)", "false"),
        ("ask likes(Ann, Bob)", "true"),
        ("ask exists x, y in person: seat(x) = seat(y) and x != y", "false"),
        ("ask forall n in 1..4: exists x in person: seat(x) = n", "false"),
        ("find seat(Bob)", "seat(Bob) in {1, 2}"),
    ],
)
def test_functions_and_predicates_over_a_sort(question, expected):
    assert solved(PEOPLE + question) == expected


def test_names_in_braces_make_a_sort_of_their_own():
    assert solved("let a, b in {red, green}\nassert a != b and a = red\nfind b") == "b = green"
    assert solved("let a in {red, green, blue}\nlet b in {red, green}\nassert a = b\nask a = blue") == "false"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("ask Animal(rex)", "true"),
        ("ask Cat(rex)", "false"),
        ("ask Fast(rex)", "unknown"),
        ("ask exists y: Dog(y) and not Cat(y)", "true"),
        ("ask Dog(rex) xor Animal(rex)", "false"),
        ("ask rex = max", "unknown"),
        ("assert motherOf(rex) = lea\nask Dog(motherOf(rex)) <-> Dog(lea)", "true"),
    ],
)
def test_first_order_formulas_about_things(question, expected):
    known = "assert forall x: Dog(x) -> Animal(x) and not Cat(x)\nassert Dog(rex)\n"
    assert solved(known + question) == expected


def test_formulas_are_turned_round_where_rules_are_not():
    assert solved("assert Rain(here) -> Wet(here)\nassert not Wet(here)\nask Rain(here)") == "false"


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("let x in 1..3\nassert x > y\nask x = 1", 2, 12, "unknown name 'y'"),
        ("let x in 1..3\nassert x\nask x = 1", 2, 8, "this is a number, wanted is true or false"),
        ("let x in {a, b}\nassert x > 1\nask x = a", 2, 8, "this is one of {a, b}, wanted is a number"),
        ("let x in {a, b}\nlet y in {b, c}\nask x = y", 2, 10, "'b' is declared already in line 1"),
        ("let x in 1..3\nlet x in 1..4\nask x = 1", 2, 1, "declared already in line 1"),
        ("let x in colours\nask x = 1", 1, 10, "unknown sort 'colours'"),
        ("sort s = {a}\nlet f(s) in 1..2\nask f(a, a) = 1", 3, 5, "f takes 1 arguments, not 2"),
        ("sort s = {a}\nlet f(s) in 1..2\nask f(1) = 1", 3, 7, "this is a number, wanted is one of {a}"),
        ("sort s = {a}\nlet f(s) in 1..2\nask f = 1", 3, 5, "needs arguments"),
        ("sort s = {a}\nlet f(s)\nask forall x: f(x)", 3, 12, "ranges over"),
        ("sort s = {a}\nlet f(s)\nask g(a)", 3, 5, "unknown predicate or function 'g'"),
        ("let x in int\nask forall y in int: y > x", 2, 12, "can't range over all numbers"),
        ("assert P(a)\nask count(x: P(x)) = 1", 2, 11, "needs a finite range"),
        ("assert forall x: x(a)\nask P(a)", 1, 18, "is a variable here"),
    ],
)
def test_a_refusal_says_where_and_why(text, line, column, says):
    error = refusal(text)
    assert (error.place.line, error.place.column) == (line, column), error.located
    assert says in error.problem


def test_a_misspelt_name_gets_a_suggestion():
    assert "Did you mean 'green_book'?" in refusal("let green_book in 1..3\nask gren_book = 1").hint


def test_a_contradiction_names_the_lines_that_make_it_and_no_others():
    error = refusal("let a, b, c in 1..3\nassert a < b\nassert c = 2\nassert b < a\nask c = 2")
    assert error.problem == "these can't all hold: lines 2, 4"
    assert error.category == "domain"


@pytest.mark.parametrize(
    "text",
    [
        "let f(int) in 1..3\nask f(1) = 2",
        "sort s = {a, b}\nlet p\nassert forall c, d, e, f, g, h, i, j, k, l, m, n, o in s: p\nask p",
        "let x in 1..9\nask exists a in 1..999999999: x = a",
        "let a, b, c in int\nassert a * a * a + b * b * b + c * c * c = 114 and a != b\nask a > b",
    ],
)
def test_what_is_too_hard_is_a_refusal_and_not_a_wait(text):
    assert refusal(text, max_steps=50_000, max_nodes=8000, timeout_s=2.0).category in ("limit", "arguments")


def test_a_name_alone_is_a_statement_where_a_formula_is_wanted():
    assert solved("assert Rain -> Wet\nassert not Wet\nask Rain\nask Sun") == "false\nunknown"
    assert (
        "this is true or false, wanted is a thing" in refusal("assert Rain\nassert P(a) and P(Rain)\nask P(a)").problem
    )


def test_programs_in_threads_do_not_meet():
    expected = [str(i) for i in range(1, 9)]
    found = [""] * 8
    start = threading.Barrier(8)

    def work(i):
        start.wait(timeout=30)
        found[i] = solved(f"let x in 1..8\nassert x = {i + 1}\nfind x").removeprefix("x = ")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert found == expected


VARIABLES = ("a", "b", "c")
SIDES = st.one_of(st.sampled_from(VARIABLES), st.integers(1, 3).map(str))
COMPARISONS = st.tuples(SIDES, st.sampled_from(("=", "!=", "<", "<=", ">", ">=")), SIDES).map(lambda t: " ".join(t))


def compound(inner):
    return st.one_of(
        st.tuples(inner, st.sampled_from(("and", "or", "xor", "->", "<->")), inner).map(
            lambda t: f"({t[0]}) {t[1]} ({t[2]})"
        ),
        inner.map(lambda text: f"not ({text})"),
    )


FORMULAS = st.recursive(COMPARISONS, compound, max_leaves=4)
MEANING = {
    "=": lambda x, y: x == y, "!=": lambda x, y: x != y, "<": lambda x, y: x < y, "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y, ">=": lambda x, y: x >= y,
}  # fmt: skip


def holds(node, values):
    """What a formula says of values, read off the syntax tree."""
    match type(node).__name__:
        case "Not":
            return not holds(node.inner, values)
        case "Joined":
            parts = [holds(part, values) for part in node.parts]
            return {"and": all(parts), "or": any(parts), "xor": sum(parts) % 2 == 1}[node.operator]
        case "Binary" if node.operator in MEANING:
            left, right = (values[s.name] if hasattr(s, "name") else s.value for s in (node.left, node.right))
            return MEANING[node.operator](left, right)
        case "Binary":
            left, right = holds(node.left, values), holds(node.right, values)
            return (not left or right) if node.operator == "->" else left == right
    raise AssertionError(node)


@given(asserted=st.lists(FORMULAS, min_size=1, max_size=3), asked=FORMULAS)
@settings(max_examples=60)
def test_answers_agree_with_trying_all_values(asserted, asked):
    text = "let a, b, c in 1..3\n" + "".join(f"assert {formula}\n" for formula in asserted) + f"ask {asked}"
    program = parse(text)
    *known, question = [s.formula for s in program.statements[1:]]
    worlds = [dict(zip(VARIABLES, v, strict=True)) for v in product((1, 2, 3), repeat=3)]
    worlds = [world for world in worlds if all(holds(formula, world) for formula in known)]
    truths = {holds(question, world) for world in worlds}
    if not worlds:
        assert refusal(text).category == "domain"
    else:
        assert solved(text) == {(True,): "true", (False,): "false"}.get(tuple(truths), "unknown")


ATOMS = st.sampled_from([f"{p}({x})" for p in "PQR" for x in "ab"])
HORN = st.lists(st.tuples(st.lists(ATOMS, min_size=1, max_size=2), ATOMS), max_size=5)


@given(facts=st.lists(ATOMS, min_size=1, max_size=3), rules=HORN, asked=ATOMS)
@settings(max_examples=40)
def test_chainer_and_z3_agree_on_rules_without_not(facts, rules, asked):
    implied = [f"{' and '.join(body)} -> {head}" for body, head in rules]
    chained = solved("".join(f"fact {f}\n" for f in facts) + "".join(f"rule {r}\n" for r in implied) + f"ask {asked}")
    proved = solved("".join(f"assert {f}\n" for f in (*facts, *implied)) + f"ask {asked}")
    assert chained == proved


WATCHES = """# who watches when, as in the analytical puzzles of law school tests
sort guard = {Ana, Ben, Cyd, Dov}
sort watch = {early, late}
let on(guard, watch)
let day(guard) in 1..4
assert distinct(g in guard: day(g))
assert forall g in guard: count(w in watch: on(g, w)) = 1
assert count(g in guard: on(g, early)) = 3
assert on(Ben, late) -> day(Ben) = 4
assert forall w in watch: on(Ana, w) <-> on(Cyd, w)
assert day(Dov) < day(Ana) and day(Ana) < day(Ben)
"""


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("option A: on(Ana, early)\noption B: on(Ben, early)\noption C: on(Dov, early)", "A"),
        ("choose can\noption A: day(Dov) = 3\noption B: day(Ben) = 2\noption C: on(Dov, late) and day(Dov) = 2", "C"),
        ("choose cannot\noption A: day(Cyd) = 1\noption B: day(Cyd) = 4\noption C: on(Cyd, late)", "C"),
        ("assert on(Ben, late)\nfind day(Ben), day(Ana)", "day(Ben) = 4\nday(Ana) in {2, 3}"),
    ],
)
def test_a_puzzle_of_groups_and_orders(question, expected):
    assert solved(WATCHES + question) == expected
