"""Numbers that know whether they are exact, arithmetic that refuses before it would take long, and their rendering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException, DivisionByZero, InvalidOperation, Overflow, Underflow
from fractions import Fraction

__all__ = ["Arithmetic", "CalculationError", "Number"]

WORKING_DIGITS = 60
SETTLED_DIGITS = 40
"""Irrational values are carried to 60 significant digits, and compared with whole numbers to 40."""

EXACT_PLACES = 50
"""A decimal that terminates is shown in full up to this many places; a longer one floods the model's prompt."""


class CalculationError(Exception):
    """An expression that has no answer here.

    Args:
        problem: What is wrong, without the tool's name.
        hint: What to send instead, as a sentence.
        category: As in `ToolError`.
    """

    def __init__(self, problem: str, hint: str = "", *, category: str = "arguments") -> None:
        super().__init__(problem, hint, category)
        self.problem, self.hint, self.category = problem, hint, category


@dataclass(frozen=True, slots=True)
class Number:
    """A value; `is_exact` is False once a root, logarithm or the like had to be rounded."""

    value: Fraction
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """The operations, each bounded in time because the size of a result is checked before it is computed.

    Args:
        significant_digits: Digits shown of a value whose decimal does not terminate.
        max_digits: Most digits of a result. A fraction with a fifth more digits in its terms is rounded on the way.
    """

    significant_digits: int
    max_digits: int

    @property
    def max_bits(self) -> int:
        """Most bits of a numerator or denominator on the way."""
        return 4 * self.max_digits

    def too_large(self) -> CalculationError:
        """The refusal of a result that would be too long."""
        return CalculationError(
            f"the result would have more than {self.max_digits} digits", "Use smaller numbers.", category="limit"
        )

    def checked(self, value: Fraction, *operands: Number) -> Number:
        """The value as a number, exact when all operands are and its fraction is not too long."""
        is_exact = all(operand.is_exact for operand in operands)
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > self.max_bits:
            if value.numerator.bit_length() - value.denominator.bit_length() > self.max_bits:
                raise self.too_large()
            is_exact = False
        return Number(value if is_exact else self.rounded(value, WORKING_DIGITS), is_exact)

    def rounded(self, value: Fraction, digits: int) -> Fraction:
        """The value to that many significant digits."""
        context = Context(prec=digits)
        return Fraction(context.divide(Decimal(value.numerator), Decimal(value.denominator)))

    def settled(self, number: Number) -> Fraction:
        """The value to floor or round: a rounded one is freed of its last digits, so that sqrt(2)**2 counts as 2."""
        return number.value if number.is_exact else self.rounded(number.value, SETTLED_DIGITS)

    def add(self, left: Number, right: Number) -> Number:
        """The sum; what is left of rounded values that cancel out is noise, and counts as 0."""
        total = self.checked(left.value + right.value, left, right)
        if not total.is_exact and abs(total.value) * 10**SETTLED_DIGITS < abs(left.value):
            return Number(Fraction(0), is_exact=False)
        return total

    def divide(self, left: Number, right: Number) -> Number:
        """True division."""
        return self.checked(left.value / self._divisor(right), left, right)

    def floor_divide(self, left: Number, right: Number) -> Number:
        """Division rounded down, as Python's //."""
        self._divisor(right)
        return self.checked(Fraction(self.settled(left) // self.settled(right)), left, right)

    def modulo(self, left: Number, right: Number) -> Number:
        """The remainder with the divisor's sign, as Python's %."""
        self._divisor(right)
        return self.checked(self.settled(left) % self.settled(right), left, right)

    def _divisor(self, number: Number) -> Fraction:
        if not self.settled(number):
            raise CalculationError("division by zero", "Send an expression that does not.", category="domain")
        return number.value

    def power(self, base: Number, exponent: Number) -> Number:
        """Exact where the result is rational: whole exponents, and roots that come out even."""
        if exponent.value.denominator == 1:
            return self._whole_power(base, exponent)
        if base.value < 0:
            raise CalculationError("a negative number has no real power of that kind", category="domain")
        if not base.value:
            if exponent.value < 0:
                raise CalculationError("division by zero", category="domain")
            return Number(Fraction(0), base.is_exact and exponent.is_exact)
        if base.is_exact and exponent.is_exact and exponent.value.denominator <= 12:
            root = exact_root(base.value, exponent.value.denominator)
            if root is not None:
                return self._whole_power(Number(root), Number(Fraction(exponent.value.numerator)))
        return self.approximated(lambda context: context.power(_decimal(base, context), _decimal(exponent, context)))

    def _whole_power(self, base: Number, exponent: Number) -> Number:
        value, power = base.value, exponent.value.numerator
        if not value and power < 0:
            raise CalculationError("division by zero", category="domain")
        if value in (0, 1):
            return self.checked(value if power else Fraction(1), base, exponent)
        if value == -1:
            return self.checked(Fraction(-1 if power % 2 else 1), base, exponent)
        bits = max(value.numerator.bit_length(), value.denominator.bit_length()) - 1
        if not base.is_exact or (bits * abs(power) > self.max_bits and value.denominator > 1):
            return self.approximated(lambda context: context.power(_decimal(base, context), Decimal(power)))
        if bits * abs(power) > self.max_bits:
            raise self.too_large()
        return self.checked(value**power, base, exponent)

    def approximated(self, compute: Callable[[Context], Decimal]) -> Number:
        """A rounded number out of a decimal computation, e.g. `lambda context: context.ln(x)`."""
        traps = [DivisionByZero, InvalidOperation, Overflow, Underflow]
        context = Context(prec=WORKING_DIGITS, Emax=self.max_digits, Emin=-self.max_digits, traps=traps)
        try:
            result = compute(context)
        except DecimalException:
            raise self.too_large() from None
        return self.checked(Fraction(result), Number(Fraction(0), is_exact=False))

    def render(self, number: Number) -> str:
        """Every digit of a decimal that terminates, else `significant_digits` of them."""
        value = number.value
        if number.is_exact and value.denominator == 1:
            text = str(value.numerator)
            if len(text.lstrip("-")) > self.max_digits:
                raise self.too_large()
            return text
        places = decimal_places(value.denominator) if number.is_exact else None
        if places is not None and places <= EXACT_PLACES:
            digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
            return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
        context = Context(prec=self.significant_digits)
        return plain(context.divide(Decimal(value.numerator), Decimal(value.denominator)))


def _decimal(number: Number, context: Context) -> Decimal:
    return context.divide(Decimal(number.value.numerator), Decimal(number.value.denominator))


def plain(value: Decimal) -> str:
    """A decimal without trailing zeros; with an exponent only where it would be very long."""
    if not value:
        return "0"
    if not -7 <= value.adjusted() < 21:
        mantissa, exponent = f"{value:e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{exponent}"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def decimal_places(denominator: int) -> int | None:
    """Places after the point of a decimal with this denominator in lowest terms; None when it does not terminate."""
    twos = (denominator & -denominator).bit_length() - 1
    denominator >>= twos
    fives = 0
    while denominator % 5 == 0:
        denominator //= 5
        fives += 1
    return max(twos, fives) if denominator == 1 else None


def exact_root(value: Fraction, degree: int) -> Fraction | None:
    """The rational root of a value that is not negative, or None when the root is irrational."""
    numerator, denominator = whole_root(value.numerator, degree), whole_root(value.denominator, degree)
    if numerator**degree == value.numerator and denominator**degree == value.denominator:
        return Fraction(numerator, denominator)
    return None


def whole_root(value: int, degree: int) -> int:
    """The largest whole number whose power of that degree does not exceed the value."""
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        if middle**degree <= value:
            low = middle
        else:
            high = middle - 1
    return low
