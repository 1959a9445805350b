import math
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from calculator_calls import refusal, result

from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.tools.calculator import Calculator


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * 4", "20"),
        ("0.1 + 0.2", "0.3"),
        ("10 / 4", "2.5"),
        ("1 / 3 * 3", "1"),
        ("1.10", "1.1"),
        ("-0.5", "-0.5"),
        ("7 // 2", "3"),
        ("-7 // 2", "-4"),
        ("-7 % 3", "2"),
        ("7 % (-3)", "-2"),
        ("2 ** 3 ** 2", "512"),
        ("-2 ** 2", "-4"),
        ("2 ** -2", "0.25"),
        ("0 ** 0", "1"),
        ("12345678901234567890 * 98765432109876543210", "1219326311370217952237463801111263526900"),
        ("5!", "120"),
        ("-3!", "-6"),
    ],
)
def test_arithmetic_is_exact(expression, expected):
    assert result(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1,234.50 * 2", "2469"),
        ("1_000 + 1", "1001"),
        ("$1,200 * 3", "3600"),
        ("2 × 3 ÷ 4 − 1", "0.5"),  # noqa: RUF001 - signs that models write
        ("2^10", "1024"),
        ("3 x 4", "12"),
        ("3x4", "12"),
        ("20% of 50", "10"),
        ("100 / 20%", "500"),
        ("100 + 20%", "100.2"),
        ("17 mod 5", "2"),
        ("2 + 2 = ?", "4"),
        ("3 \\times 4", "12"),
        ("2\n+ 2", "4"),
        (".5 + 5.", "5.5"),
        ("1.5e3", "1500"),
        ("1e-2", "0.01"),
    ],
)
def test_spellings_of_models_are_read(expression, expected):
    assert result(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("sqrt(16)", "4"),
        ("sqrt(2) * sqrt(2)", "2"),
        ("floor(sqrt(2) * sqrt(2))", "2"),
        ("sqrt(2) ** 2 - 2", "0"),
        ("0.1 * sqrt(3) ** 2 + -0.3", "0"),
        ("8 ** (1/3)", "2"),
        ("(4/9) ** 0.5 * 3", "2"),
        ("cbrt(-27)", "-3"),
        ("abs(-3.5)", "3.5"),
        ("min(3, 1, 2) + max(3, 1, 2)", "4"),
        ("max(1,234)", "234"),
        ("round(2.5)", "3"),
        ("round(-2.5)", "-3"),
        ("round(2.675, 2)", "2.68"),
        ("round(1234, -2)", "1200"),
        ("floor(-1.5)", "-2"),
        ("ceil(-1.5)", "-1"),
        ("trunc(-1.5)", "-1"),
        ("gcd(12, 18)", "6"),
        ("lcm(4, 6)", "12"),
        ("factorial(20)", "2432902008176640000"),
        ("comb(5, 2)", "10"),
        ("perm(5, 2)", "20"),
        ("mean(1, 2, 4)", "2.33333333333"),
        ("sum(1, 2, 3)", "6"),
        ("log10(1000)", "3"),
        ("log2(1/8)", "-3"),
        ("log(8, 2)", "3"),
        ("ln(exp(1))", "1"),
        ("SQRT(9)", "3"),
    ],
)
def test_functions(expression, expected):
    assert result(expression) == expected


def test_a_decimal_that_does_not_terminate_has_the_stated_digits():
    assert result("2 / 3") == "0.666666666667"
    assert result("2 / 3", significant_digits=4) == "0.6667"
    assert result("pi") == "3.14159265359"
    assert result("1 / 3 * 10**30") == "3.33333333333e+29"


def test_a_decimal_that_terminates_is_shown_in_full():
    assert result("2 ** -40") == "0.0000000000009094947017729282379150390625"
    assert result("1000 * 1.05 ** 10") == "1628.89462677744140625"
    assert result("2 ** -51") == "4.4408920985e-16"


def test_compound_interest_over_many_months_is_rounded_not_refused():
    assert float(result("1000 * 1.00417 ** 360")) == pytest.approx(1000 * 1.00417**360, rel=1e-11)
    assert float(result("1.0000001 ** 9999999")) == pytest.approx(math.e, rel=1e-6)
    assert float(result(" + ".join(f"1/{n}" for n in range(1, 120)))) == pytest.approx(
        sum(1 / n for n in range(1, 120))
    )


def test_an_unreadable_expression_names_the_column():
    error = refusal("2 +* 3")
    assert str(error) == "calculator: cannot read '2 +* 3' at column 4. Send one arithmetic expression."
    assert error.category == "arguments"


@pytest.mark.parametrize(
    ("expression", "column"),
    [("(1 + 2", 7), ("1 2", 3), ("2(3)", 2), ("1..2", 2), ("1,2345", 2), ("0x10", 2), ("hello world", 0), ("3!!", 3)],
)
def test_what_is_no_expression_is_refused_where_it_breaks(expression, column):
    message = str(refusal(expression))
    assert f"column {column}" in message or column == 0


def test_a_comma_that_could_mean_two_things_is_refused():
    assert "thousands commas" in str(refusal("max(1,000, 2)"))


def test_a_misspelt_function_gets_a_suggestion():
    assert "Did you mean 'sqrt'?" in str(refusal("squrt(2)"))


@pytest.mark.parametrize(
    "expression", ["1/0", "1//0", "1%0", "0**-1", "sqrt(-1)", "log10(0)", "gcd(1.5, 2)", "(-8)**0.5"]
)
def test_what_has_no_value_is_a_domain_error(expression):
    assert refusal(expression).category == "domain"


@pytest.mark.parametrize(
    "expression",
    [
        "9**9**9",
        "9**9**9**9**9",
        "(10**900)**2",
        "factorial(10**9)",
        "1000000!",
        "comb(10**9, 5*10**8)",
        "perm(10**9, 10**8)",
        "e**(10**6)",
        "exp(10**9)",
        "2**0.5**-9999",
        "1e1001",
        "7**-99999999",
        "1.5**99999999999",
        "exp(10**900)",
        "sqrt(2)**(10**900)",
        "(10**-900)**99",
        "lcm(10**400 + 1, 10**401 + 1, 10**402 + 1)",
        "(" * 400 + "1" + ")" * 400,
        "-" * 500 + "1",
        "2" + "**1" * 300,
        "1" * 1001,
    ],
)
def test_what_would_take_long_is_refused_at_once(expression):
    start = time.process_time()
    error = refusal(expression)
    assert time.process_time() - start < 1
    assert error.category in ("limit", "arguments")


def test_the_longest_result_is_kept():
    assert result("10**999") == "1" + "0" * 999
    assert refusal("10**1000").category == "limit"
    assert result("10**49", max_digits=50) == "1" + "0" * 49


@pytest.mark.parametrize(
    "arguments",
    [{}, {"expression": None}, {"expression": ["1"]}, {"expression": True}, {"expression": "  "}, {"x": "1"}],
)
def test_bad_arguments_are_named(arguments):
    with pytest.raises(ToolError, match="argument"):
        Calculator().call(arguments)


def test_numbers_are_taken_for_their_text():
    assert Calculator().call({"expression": 2.5}).text == "2.5"
    with pytest.raises(ToolError, match="longer than"):
        Calculator().call({"expression": 10**5000})


@pytest.mark.parametrize("options", [{"significant_digits": 0}, {"max_digits": 5000}, {"max_chars": 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigError, match="calculator"):
        Calculator(**options)


def test_threads_share_one_calculator():
    calculator = Calculator()
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda n: calculator.call({"expression": f"{n}**20 / 7"}).text, range(50)))
    assert texts == [calculator.call({"expression": f"{n}**20 / 7"}).text for n in range(50)]
