"""Amounts are converted exactly, and what can't be is said."""

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.testing.contracts.tool import check_tool
from lottery_plugins.testing.strategies import model_text
from lottery_plugins.tools.unit_convert import UnitConvert
from lottery_plugins.tools.units.reading import UnitsError, read_question

pytest.importorskip("pint")

GOOD_CALLS = [({"conversion": "5 miles to km"}, "8.04672 km"), ({"conversion": "20 degC to degF"}, "68 degF")]


def ask(question, **options):
    return UnitConvert(**options).call({"conversion": question}).text


def test_the_tool_keeps_the_contract():
    check_tool(UnitConvert, good_calls=GOOD_CALLS)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("5 ft 11 in to cm", "180.34 cm"),
        ("5 ft 11 in in cm", "180.34 cm"),
        ("5 in in cm", "12.7 cm"),
        ("how many feet are in 2 miles?", "10560 feet"),
        ("How many miles is 5 km", "3.10685596119 miles"),
        ("2 hours and 30 minutes to minutes", "150 minutes"),
        ("-40 F to C", "-40 C"),
        ("100 C to K", "373.15 K"),
        ("25 degrees Celsius to Fahrenheit", "77 Fahrenheit"),
        ("20 °C in °F", "68 °F"),
        ("10 degC/km to K/m", "0.01 K/m"),
        ("60 miles per hour to m/s", "26.8224 m/s"),
        ("60 mph -> km/h", "96.56064 km/h"),
        ("1 kg*m^2/s^2 to J", "1 J"),
        ("36 km/h/s to m/s^2", "10 m/s^2"),
        ("36 km/(h*s) to m/s**2", "10 m/s**2"),
        ("1 N m to J", "1 J"),
        ("100 m2 to sq ft", "1076.39104167 sq ft"),
        ("1 m³ to liters", "1000 liters"),
        ("9 square feet to square yards", "1 square yards"),
        ("10 nautical miles to km", "18.52 km"),
        ("1/2 cup to tablespoons", "8 tablespoons"),
        ("1 1/2 cups to tablespoons", "24 tablespoons"),
        ("1,000,000 mm to km", "1 km"),
        ("an hour to seconds", "3600 seconds"),
        ("1 s⁻¹ to 1/min", "60 1/min"),
        ("1 eV to J", "1.602176634e-19 J"),
        ("3 C to C", "3 C"),
        ("2 C to A*s", "2 A*s"),
    ],
)
def test_amounts_are_converted(question, answer):
    assert ask(question) == answer


@pytest.mark.parametrize(
    ("question", "problem", "category"),
    [
        ("5 kg to m", "kilogram can't be converted to meter: one measures mass, the other length", "domain"),
        ("5 foo to m", "no unit is called 'foo'", "arguments"),
        ("5 km", "it is not said what to convert to", "arguments"),
        ("km to m", "'km' does not begin with a number", "arguments"),
        ("5 to km", "a unit is missing after '5'", "arguments"),
        ("1 dBm to mW", "can't be converted, for example because one is logarithmic", "domain"),
        ("1 kg^10 to g", "cannot read the unit 'kg^10'", "arguments"),
        ("1 (m^4)^4 to m", "powers of units are from 1 to 9", "arguments"),
        ("1 m/ to km", "cannot read the unit 'm/'", "arguments"),
        ("1 (m to km", "a bracket is not closed in '(m'", "arguments"),
        ("1/0 km to m", "a number is divided by zero", "domain"),
        ("20 degC 3 degC to K", "temperatures of several parts have no sum", "domain"),
        ("9**9**9 m to km", "cannot read the unit", "arguments"),
        ("1 __class__ to km", "cannot read the unit '__class__'", "arguments"),
        ("1 m.__class__ to km", "cannot read the unit", "arguments"),
    ],
)
def test_what_can_not_be_converted_is_told(question, problem, category):
    with pytest.raises(ToolError) as caught:
        ask(question)
    assert problem in str(caught.value)
    assert caught.value.category == category


AMOUNTS = st.decimals(-(10**9), 10**9, places=6).map(lambda d: d.normalize())


@given(
    AMOUNTS, st.sampled_from(("m", "mile", "nautical mile", "inches")), st.sampled_from(("km", "foot", "yard", "mm"))
)
def test_there_and_back_is_the_same_amount(amount, first, second):
    there = ask(f"{amount:f} {first} to {second}", significant_digits=30)
    back = ask(f"{there.split()[0]} {second} to {first}", significant_digits=15)
    assert abs(Fraction(back.split()[0]) - Fraction(amount)) <= Fraction(1, 10**12)


@given(AMOUNTS)
def test_temperatures_follow_their_definition(amount):
    fahrenheit = Fraction(ask(f"{amount:f} degC to degF").split()[0])
    assert fahrenheit == Fraction(amount) * 9 / 5 + 32


@given(model_text())
@example("1 " + "(" * 190)
@example("1 " + "m*" * 90 + "m to km")
@example("1 " + "square " * 25 + "m to km")
def test_any_text_is_read_or_refused(text):
    try:
        question = read_question(text)
    except UnitsError:
        return
    assert question.terms
    assert question.target


def test_digits_of_long_values_can_be_chosen():
    assert ask("1 km to mile", significant_digits=3) == "0.621 mile"
    with pytest.raises(ConfigError, match=r"unit-convert.significant_digits: got 0"):
        UnitConvert(significant_digits=0)
