"""Logic-LM's own formats: what is forgiven, what is refused, and what the programs then answer."""

import pytest

pytest.importorskip("z3")

from lottery_logic.formats.deduction import read_deduction
from lottery_logic.formats.finite_domains import read_finite_domains
from lottery_logic.formats.first_order import read_first_order
from lottery_logic.language.errors import ProgramError
from lottery_logic.language.parser import parse
from lottery_logic.language.render import render
from lottery_logic.solvers.answers import answer
from lottery_logic.solvers.limits import SolverLimits


def solved(program):
    """The answer to what was read, after it went through our own language."""
    again = parse(render(program))
    assert again == program
    return answer(again, SolverLimits())


def deduction(*, facts="Cold(Bob, True)", rules="Cold($x, True) >>> Kind($x, False)", query="Kind(Bob, False)"):
    return f"Predicates:\nCold($x, bool) ::: Is x cold?\n\nFacts:\n{facts}\nRules:\n{rules}\nQuery:\n{query}\n"


def test_a_program_of_facts_and_rules_is_read():
    program = read_deduction(deduction())
    assert render(program) == "fact cold(bob)\nrule cold($x) -> not kind($x)\nask not kind(bob)\n"
    assert solved(program) == "true"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"facts": "Cold(Bob, True) ::: Bob is cold.\n\nOld(Bob, True)"}, "true"),
        ({"facts": "!Cold(Bob, False)"}, "true"),
        ({"facts": "Not(Cold(Bob, False))"}, "true"),
        ({"facts": "Not(Cold(Bob), False)"}, "true"),
        ({"facts": "Cold(Bob)"}, "true"),
        ({"facts": "Cold($x, True)"}, "true"),
        ({"facts": "Cold(Bob, True)\nCold($x, True) >>> Kind($x, False)", "rules": ""}, "true"),
        ({"rules": "Kind($x, False) <<< Cold($x, True)"}, "true"),
        ({"rules": "Cold($x, True) >>> Kind($x, False) && Old($x, True)"}, "true"),
        ({"rules": "Cold($x, True) && ~Old($x, True) >>> Kind($x, False)"}, "unknown"),
        ({"query": "Kind(Bob, True) ::: Bob is kind."}, "false"),
        ({"query": "Kind(Ann, True)"}, "unknown"),
        ({"facts": "Sees(Bald Eagle, cat, True)", "rules": "", "query": "Sees(bald_eagle, cat, True)"}, "true"),
    ],
)
def test_slips_that_are_plain_are_forgiven(parts, expected):
    assert solved(read_deduction(deduction(**parts))) == expected


@pytest.mark.parametrize(
    "parts",
    [
        {"facts": "Bob is cold."},
        {"facts": "Cold(?, True)"},
        {"facts": "Cold(Bob, bool)"},
        {"facts": "Cold(Bob, True) = False"},
        {"facts": "Cold(Bob, True) && Old(Bob, True)"},
        {"rules": "Cold($x, True) => Kind($x, False)"},
        {"rules": "Cold($x, True) >>> False"},
        {"rules": "Likes(Cold($x, True), True) >>> Kind($x, True)"},
        {"query": ""},
        {"query": "Kind(Bob, True)\nKind(Bob, False)"},
    ],
)
def test_what_could_mean_several_things_is_refused(parts):
    with pytest.raises(ProgramError):
        read_deduction(deduction(**parts))


def test_a_missing_section_is_named():
    with pytest.raises(ProgramError, match="Facts is missing"):
        read_deduction("Rules:\nQuery:\nCold(Bob, True)")
    with pytest.raises(ProgramError, match="before any section"):
        read_deduction("Cold(Bob, True)\nQuery:\nCold(Bob, True)")


def order(*, variables="", constraints="", query="A) red_book == 1\nB) blue_book == 1"):
    return (
        "Domain:\n1: leftmost\n3: rightmost\nVariables:\nred_book [IN] [1, 2, 3]\nblue_book [IN] [1, 2, 3]\n"
        f"green_book [IN] [1, 2, 3]\n{variables}\nConstraints:\nred_book < blue_book ::: left of\n{constraints}\n"
        "AllDifferentConstraint([red_book, blue_book, green_book]) ::: all differ\n"
        f"Query:\n{query}\n"
    )


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"constraints": "green_book == 3"}, "A"),
        ({"constraints": "green_book == red_book - 1"}, "none"),
        ({"constraints": "green_book == 3 ::: The green book is the rightmost.", "query": "A) red_book == 3 - 2"}, "A"),
        ({"constraints": "red_book < green_book < blue_book"}, "A"),
        ({"constraints": "green book == 3"}, "A"),
        ({"constraints": "green_book == 3", "query": "(A) blue_book == 1\n(B) blue_book == 2"}, "B"),
        ({"variables": "pen [IN] [1, 5]", "constraints": "pen > green_book\ngreen_book == 3"}, "A"),
    ],
)
def test_an_order_is_read(parts, expected):
    assert solved(read_finite_domains(order(**parts))) == expected


@pytest.mark.parametrize(
    "parts",
    [
        {"variables": "pen [IN] [cheap, dear]"},
        {"variables": "pen in 1, 2"},
        {"constraints": "abs(red_book - blue_book) == 1"},
        {"constraints": "red_book is the leftmost"},
        {"constraints": "yellow_book == 1"},
        {"query": "red_book == 1"},
        {"query": ""},
    ],
)
def test_what_is_no_order_is_refused(parts):
    with pytest.raises(ProgramError):
        solved(read_finite_domains(order(**parts)))


def test_no_text_of_a_program_is_executed(tmp_path):
    target = tmp_path / "made"
    code = f"__import__('pathlib').Path('{target}').touch()"
    with pytest.raises(ProgramError):
        solved(read_finite_domains(order(constraints=f"{code} or red_book == 1")))
    assert not target.exists()


COFFEE = """Predicates:
Drinks(x) ::: x drinks coffee.
Premises:
∀x (Drinks(x) → Depends(x)) ::: All who drink coffee depend on it.
∀x (Drinks(x) ⊕ Jokes(x)) ::: All drink coffee or joke about it.
∀x (Jokes(x) → ¬Unaware(x))
Unaware(rina)
Conclusion:
"""


@pytest.mark.parametrize(
    ("conclusion", "expected"),
    [
        ("Depends(rina) ∧ ¬Jokes(rina)", "true"),
        ("∃x Jokes(x)", "unknown"),
        ("Jokes(rina)", "false"),
        ("Jokes(rina) ⊕ Unaware(rina) ::: one of the two", "true"),
    ],
)
def test_first_order_programs_are_read(conclusion, expected):
    assert solved(read_first_order(COFFEE + conclusion)) == expected


def test_two_conclusions_are_refused():
    with pytest.raises(ProgramError, match="2 conclusions"):
        read_first_order(f"{COFFEE}Jokes(rina)\nDrinks(rina)")
