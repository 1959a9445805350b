"""Facts and rules: what follows, what does not, and when it ends."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lottery_logic.language.errors import ProgramError
from lottery_logic.language.parser import parse
from lottery_logic.language.tree import Fact, Program, Rule, Signed, Variable
from lottery_logic.solvers.answers import answer
from lottery_logic.solvers.chainer import Atom, Chainer
from lottery_logic.solvers.limits import SolverLimits


def solved(text, **limits):
    return answer(parse(text), SolverLimits(**limits))


KNOWN = "fact Cold(Bob)\nfact not Kind(Bob)\nrule Cold($x) and not Kind($x) -> Rough($x) and not Warm($x)\n"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Rough(Bob)", "true"),
        ("not Rough(Bob)", "false"),
        ("Warm(Bob)", "false"),
        ("not Warm(Bob)", "true"),
        ("Rough(Ann)", "unknown"),
        ("Tall(Bob)", "unknown"),
        ("Cold($x)", "$x = Bob"),
        ("Tall($x)", "none"),
    ],
)
def test_a_question_is_true_false_or_unknown(question, expected):
    assert solved(f"{KNOWN}ask {question}") == expected


def test_several_questions_have_a_line_each():
    assert solved(f"{KNOWN}ask Cold(Bob)\nask Kind(Bob)\nask Old(Bob)") == "true\nfalse\nunknown"


def test_options_are_those_that_follow():
    assert solved(f"{KNOWN}option A: Cold(Bob)\noption B: Kind(Bob)\noption C: Rough(Bob)") == "A, C"
    assert solved(f"{KNOWN}option A: Warm(Bob)") == "none"


def test_rules_are_not_turned_round():
    assert solved("fact not Wet(road)\nrule Rain(road) -> Wet(road)\nask Rain(road)") == "unknown"


def test_what_is_not_known_does_not_count_as_not():
    assert solved("fact Cold(Bob)\nrule Cold($x) and not Kind($x) -> Rough($x)\nask Rough(Bob)") == "unknown"


def test_a_variable_that_is_only_in_the_head_stands_for_everything_named():
    program = "fact Likes($x, Tom)\nrule Likes(Ann, Tom) -> Sees($y, Ann)\nask Sees(Tom, Ann)\nask Likes(Ann, Tom)"
    assert solved(program) == "true\ntrue"


def test_the_same_variable_takes_the_same_value():
    assert solved("fact R(a, b)\nrule R($x, $x) -> P($x)\nask P($y)") == "none"
    assert (
        solved("fact R(a, b)\nfact R(b, c)\nrule R($x, $y) and R($y, $z) -> R($x, $z)\nask R(a, $z)")
        == "$z = b; $z = c"
    )


def test_a_contradiction_about_what_is_asked_names_its_lines():
    with pytest.raises(ProgramError, match="from lines 1, 3, 4") as caught:
        solved("fact Cold(Bob)\nfact Old(Bob)\nrule Cold($x) -> Rough($x)\nfact not Rough(Bob)\nask Rough(Bob)")
    assert caught.value.category == "domain"
    assert caught.value.place.line == 5


def test_a_contradiction_elsewhere_does_not_matter():
    assert solved("fact P(a)\nfact not P(a)\nfact Q(a)\nask Q(a)") == "true"


def test_a_predicate_has_one_number_of_arguments():
    with pytest.raises(ProgramError, match="Sees has 1 arguments here and 2 in line 1"):
        solved("fact Sees(a, b)\nrule Sees($x) -> P($x)\nask P(a)")


def test_many_values_are_cut_short_and_counted():
    facts = "".join(f"fact P(a{i})\n" for i in range(25))
    assert solved(f"{facts}ask P($x)").endswith("; and 5 more")


@pytest.mark.parametrize(
    "program",
    [
        "".join(f"fact P(a{i})\n" for i in range(60)) + "rule P($x) -> R($x, $y, $z, $u)\nask R(a1, a1, a1, a1)",
        "".join(f"fact P(a{i})\n" for i in range(60)) + "rule P($a) and P($b) and P($c) and P($d) -> Q($a)\nask Q(b)",
        "fact P($a, $b, $c, $d, $e, $f)\n" + "".join(f"fact Q(a{i})\n" for i in range(30)) + "ask P(x, x, x, x, x, x)",
    ],
)
def test_a_program_that_explodes_ends_at_its_limit(program):
    with pytest.raises(ProgramError, match="more than the allowed 50000 steps") as caught:
        solved(program, max_steps=50_000)
    assert caught.value.category == "limit"


CONSTANTS = ("a", "b")
ARGUMENTS = st.sampled_from((*CONSTANTS, Variable("x"), Variable("y")))
LITERALS = st.builds(Signed, st.sampled_from("PQR"), st.tuples(ARGUMENTS), st.booleans())
PROGRAMS = st.lists(
    st.one_of(
        st.builds(Fact, LITERALS),
        st.builds(Rule, st.lists(LITERALS, min_size=1, max_size=3).map(tuple), st.tuples(LITERALS)),
    ),
    max_size=8,
).map(lambda known: Program("rules", (Fact(Signed("S", CONSTANTS)), *known)))


def closure(program):
    """All that follows, by trying every value of every variable until nothing changes."""
    found = set()
    while True:
        before = len(found)
        for x, y in product(CONSTANTS, repeat=2):

            def ground(literal, values={"x": x, "y": y}):  # noqa: B006 - read only
                arguments = tuple(values[a.name] if isinstance(a, Variable) else a for a in literal.arguments)
                return Atom(literal.predicate, arguments, literal.holds)

            for statement in program.statements:
                body = statement.body if isinstance(statement, Rule) else ()
                head = statement.head if isinstance(statement, Rule) else (statement.literal,)
                if all(ground(literal) in found for literal in body):
                    found.update(ground(literal) for literal in head)
        if len(found) == before:
            return found


@given(program=PROGRAMS)
def test_the_chainer_finds_exactly_what_follows(program):
    assert set(Chainer(program).lines) == closure(program)
