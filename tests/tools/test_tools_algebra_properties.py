"""What holds for every expression, and for every text taken for one."""

import contextlib
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from lottery_plugins.errors import ToolError
from lottery_plugins.tools.algebra.parser import parse
from lottery_plugins.tools.algebra.sizes import check_size
from lottery_plugins.tools.arithmetic.exact import CalculationError
from lottery_plugins.tools.arithmetic.tokens import UnreadableError
from lottery_plugins.tools.symbolic import SymPy


def result(request):
    return SymPy().call({"request": request}).text


COEFFICIENTS = st.lists(st.integers(-9, 9), min_size=1, max_size=4)
POLYNOMIALS = COEFFICIENTS.map(lambda cs: " + ".join(f"({c})*x^{i}" for i, c in enumerate(cs)))


@given(left=POLYNOMIALS, right=POLYNOMIALS)
@settings(max_examples=30)
def test_factoring_and_expanding_undo_each_other(left, right):
    product = f"({left})*({right})"
    assert result(f"expand(factor({product}))") == result(f"expand({product})")


@given(roots=st.lists(st.integers(-20, 20), min_size=1, max_size=4))
@settings(max_examples=30)
def test_the_roots_of_a_polynomial_are_found(roots):
    equation = " * ".join(f"(x - ({root}))" for root in roots)
    assert result(f"solve(expand({equation}) = 0, x)") == "; ".join(f"x = {root}" for root in sorted(set(roots)))


@given(cs=st.lists(st.integers(-9, 9), min_size=3, max_size=3).filter(lambda cs: any(cs[:2])))
@settings(max_examples=30)
def test_roots_satisfy_their_equation(cs):
    polynomial = f"({cs[0]})*x^2 + ({cs[1]})*x + ({cs[2]})"
    for root in result(f"solve({polynomial} = 0, x)").split("; "):
        assert result(f"simplify(expand(substitute({polynomial}, x = {root.removeprefix('x = ')})))") == "0"


@given(
    values=st.tuples(st.integers(-9, 9), st.integers(-9, 9)), cs=st.lists(st.integers(-9, 9), min_size=4, max_size=4)
)
@settings(max_examples=30)
def test_a_linear_system_is_solved_by_the_values_it_was_made_of(values, cs):
    (x, y), (a, b, c, d) = values, cs
    system = f"solve([({a})*x + ({b})*y = {a * x + b * y}, ({c})*x + ({d})*y = {c * x + d * y}], [x, y])"
    if a * d != b * c:
        assert result(system) == f"x = {x}, y = {y}"
    else:
        assert result(system) != "no solution"


@given(polynomial=POLYNOMIALS)
@settings(max_examples=30)
def test_differentiating_an_integral_gives_the_function_back(polynomial):
    assert result(f"expand(diff(integrate({polynomial}, x), x))") == result(f"expand({polynomial})")


LEAVES = st.integers(0, 99).map(lambda n: (str(n), Fraction(n)))


@st.composite
def sums(draw, children):
    (left_text, left), (right_text, right) = draw(children), draw(children)
    sign = draw(st.sampled_from("+-*/" if right else "+-*"))
    value = {"+": left + right, "-": left - right, "*": left * right}.get(sign)
    return f"({left_text}) {sign} ({right_text})", left / right if value is None else value


@given(tree=st.recursive(LEAVES, sums, max_leaves=10))
@settings(max_examples=50)
def test_numbers_are_exact(tree):
    text, expected = tree
    assert Fraction(result(f"evaluate({text})")) == expected


OPENINGS = tuple(
    f"{name}(" for name in ["sin", "sqrt", "expand", "diff", "factor", "simplify", "evaluate", "substitute"]
)
PIECES = st.sampled_from((*"xy2+-*/^(),=[] eI", "10", "0.5", "pi", "oo", *OPENINGS))
MORE_PIECES = st.one_of(PIECES, st.sampled_from(("solve(", "integrate(", "limit(", "999", "^^")))


@given(text=st.lists(PIECES, max_size=14).map("".join))
@settings(deadline=None)
def test_any_text_like_algebra_gives_a_result_or_a_tool_error(text):
    with contextlib.suppress(ToolError):
        assert result(text)


@given(text=st.lists(MORE_PIECES, max_size=60).map("".join))
def test_any_text_is_read_and_measured_or_refused(text):
    with contextlib.suppress(UnreadableError, CalculationError):
        check_size(parse(text))
