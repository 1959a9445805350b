"""What holds for every expression, and for every text taken for one."""

import contextlib
import math
import operator
import time
from fractions import Fraction

from calculator_calls import result
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lottery_plugins.errors import ToolError
from lottery_plugins.testing.strategies import model_text
from lottery_plugins.tools.arithmetic.exact import Arithmetic
from lottery_plugins.tools.arithmetic.parser import evaluate
from lottery_plugins.tools.calculator import Calculator


@given(text=model_text(400))
@settings(deadline=None)
def test_any_text_gives_a_result_or_a_tool_error_in_no_time(text):
    start = time.process_time()
    with contextlib.suppress(ToolError):
        assert Calculator().call({"expression": text}).text
    assert time.process_time() - start < 1


@given(text=st.text("0123456789.,+-*/%^!()ex sqrtmaxcob", max_size=60))
@settings(deadline=None, max_examples=300)
def test_texts_that_look_like_arithmetic_never_break_it(text):
    start = time.process_time()
    with contextlib.suppress(ToolError):
        assert Calculator().call({"expression": text}).text
    assert time.process_time() - start < 1


LEAVES = st.one_of(
    st.integers(0, 10**6).map(lambda n: (str(n), Fraction(n))),
    st.integers(1000, 10**9).map(lambda n: (f"{n:,}", Fraction(n))),
    st.decimals(0, 1000, places=3).map(lambda d: (f"{d:f}", Fraction(d))),
)
OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv}


@st.composite
def trees(draw, children):
    sign, compute = draw(st.sampled_from(list(OPERATORS.items())))
    (left_text, left), (right_text, right) = draw(children), draw(children)
    assume(right or sign not in ("/", "//"))
    return f"({left_text}) {sign} ({right_text})", Fraction(compute(left, right))


@st.composite
def signed(draw, children):
    text, value = draw(children)
    return f"-({text})", -value


@given(tree=st.recursive(LEAVES, lambda children: trees(children) | signed(children), max_leaves=12))
@settings(deadline=None)
def test_values_agree_with_fractions(tree):
    text, expected = tree
    assert evaluate(text, Arithmetic(12, 1000)).value == expected


@given(numbers=st.lists(st.integers(0, 99), min_size=2, max_size=8), signs=st.lists(st.sampled_from("+-*"), min_size=8))
def test_precedence_without_brackets_agrees_with_python(numbers, signs):
    text = str(numbers[0]) + "".join(f" {sign} {n}" for sign, n in zip(signs, numbers[1:], strict=False))
    terms = [[1, []]]
    for sign, n in zip(["+", *signs], numbers, strict=False):
        if sign == "*":
            terms[-1][1].append(n)
        else:
            terms.append([1 if sign == "+" else -1, [n]])
    assert result(text) == str(sum(sign * math.prod(factors) for sign, factors in terms[1:]))


@given(value=st.decimals(-(10**9), 10**9, places=6))
def test_a_decimal_is_shown_as_it_was_written(value):
    assert Fraction(result(f"{value:f}")) == Fraction(value)


@given(base=st.integers(-30, 30), exponent=st.integers(0, 60))
def test_powers_agree_with_python(base, exponent):
    assert result(f"({base}) ** {exponent}") == str(base**exponent)
