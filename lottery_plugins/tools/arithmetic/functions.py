"""The named functions and constants of an expression."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

from lottery_plugins.tools.arithmetic.exact import Arithmetic, CalculationError, Number, exact_root

__all__ = ["CONSTANTS", "FUNCTIONS", "Function", "factorial"]

CONSTANTS = {
    "pi": Number(Fraction("3.14159265358979323846264338327950288419716939937510582097494"), is_exact=False),
    "e": Number(Fraction("2.71828182845904523536028747135266249775724709369995957496697"), is_exact=False),
}


@dataclass(frozen=True, slots=True)
class Function:
    """A named function: how many arguments it takes (`most` None: any number), and what it computes."""

    compute: Callable[[Arithmetic, Sequence[Number]], Number]
    least: int = 1
    most: int | None = 1


def _whole(numbers: Sequence[Number], name: str) -> list[int]:
    for number in numbers:
        if not number.is_exact or number.value.denominator != 1:
            raise CalculationError(f"{name} takes whole numbers only", category="domain")
    return [number.value.numerator for number in numbers]


def _root(degree: int) -> Callable[[Arithmetic, Sequence[Number]], Number]:
    def compute(arithmetic: Arithmetic, numbers: Sequence[Number]) -> Number:
        (number,) = numbers
        if number.value < 0 and degree % 2 == 0:
            raise CalculationError("a negative number has no real square root", category="domain")
        sign = -1 if number.value < 0 else 1
        root = exact_root(abs(number.value), degree) if number.is_exact else None
        if root is not None:
            return Number(sign * root)
        base = Number(abs(number.value), is_exact=False)
        return arithmetic.checked(sign * arithmetic.power(base, Number(Fraction(1, degree))).value, base)

    return compute


def _total(arithmetic: Arithmetic, numbers: Sequence[Number]) -> Number:
    total = Number(Fraction(0))
    for number in numbers:
        total = arithmetic.add(total, number)
    return total


def _mean(arithmetic: Arithmetic, numbers: Sequence[Number]) -> Number:
    return arithmetic.divide(_total(arithmetic, numbers), Number(Fraction(len(numbers))))


def _round(arithmetic: Arithmetic, numbers: Sequence[Number]) -> Number:
    """Half away from zero, as taught in school; Python's own rounds half to even."""
    places = _whole(numbers[1:], "the second argument of round")[0] if len(numbers) > 1 else 0
    if abs(places) > arithmetic.max_digits:
        raise arithmetic.too_large()
    scaled = arithmetic.settled(numbers[0]) * Fraction(10) ** places
    nearest = math.floor(abs(scaled) + Fraction(1, 2)) * (-1 if scaled < 0 else 1)
    return arithmetic.checked(Fraction(nearest) / Fraction(10) ** places)


def _to_whole(rounding: Callable[[Fraction], int]) -> Callable[[Arithmetic, Sequence[Number]], Number]:
    return lambda arithmetic, numbers: Number(Fraction(rounding(arithmetic.settled(numbers[0]))))


def _gcd(arithmetic: Arithmetic, numbers: Sequence[Number]) -> Number:
    return Number(Fraction(math.gcd(*_whole(numbers, "gcd"))))


def _lcm(arithmetic: Arithmetic, numbers: Sequence[Number]) -> Number:
    common = Number(Fraction(1))
    for whole in _whole(numbers, "lcm"):
        common = arithmetic.checked(Fraction(math.lcm(common.value.numerator, whole)))
    return common


def _product(arithmetic: Arithmetic, factors: range) -> Fraction:
    """The product, given up as soon as it is too large."""
    product = 1
    for factor in factors:
        product *= factor
        if product.bit_length() > arithmetic.max_bits:
            raise arithmetic.too_large()
    return Fraction(product)


def factorial(arithmetic: Arithmetic, numbers: Sequence[Number]) -> Number:
    """The factorial of a whole number that is not negative."""
    (n,) = _whole(numbers, "factorial")
    if n < 0:
        raise CalculationError("factorial takes no negative number", category="domain")
    return Number(_product(arithmetic, range(2, n + 1)))


def _choose(name: str, *, ordered: bool) -> Callable[[Arithmetic, Sequence[Number]], Number]:
    def compute(arithmetic: Arithmetic, numbers: Sequence[Number]) -> Number:
        n, k = _whole(numbers, name)
        if n < 0 or k < 0:
            raise CalculationError(f"{name} takes no negative number", category="domain")
        if k > n:
            return Number(Fraction(0))
        if ordered:
            return Number(_product(arithmetic, range(n - k + 1, n + 1)))
        ways = 1
        for i in range(1, min(k, n - k) + 1):
            ways = ways * (n - i + 1) // i
            if ways.bit_length() > arithmetic.max_bits:
                raise arithmetic.too_large()
        return Number(Fraction(ways))

    return compute


def _log(base: int | None) -> Callable[[Arithmetic, Sequence[Number]], Number]:
    def compute(arithmetic: Arithmetic, numbers: Sequence[Number]) -> Number:
        bases = list(numbers[1:]) or ([Number(Fraction(base))] if base else [])
        if any(number.value <= 0 for number in (numbers[0], *bases)) or any(b.value == 1 for b in bases):
            raise CalculationError("a logarithm takes positive numbers, and no base 1", category="domain")
        exact = _whole_log(numbers[0], bases[0]) if bases else None
        if exact is not None:
            return Number(Fraction(exact))

        def ln(number: Number, context: Context) -> Decimal:
            return context.ln(context.divide(Decimal(number.value.numerator), Decimal(number.value.denominator)))

        def quotient(context: Context) -> Decimal:
            return context.divide(ln(numbers[0], context), ln(bases[0], context) if bases else Decimal(1))

        return arithmetic.approximated(quotient)

    return compute


def _whole_log(number: Number, base: Number) -> int | None:
    """The exponent when the number is a whole power of a whole base, so that log10(1000) is 3 and not 2.999."""
    if not (number.is_exact and base.is_exact) or base.value.denominator != 1:
        return None
    value = number.value if number.value >= 1 else 1 / number.value
    exponent = 0
    while value.denominator == 1 and value % base.value == 0:
        value /= base.value
        exponent += 1
    return (exponent if number.value >= 1 else -exponent) if value == 1 else None


def _exp(arithmetic: Arithmetic, numbers: Sequence[Number]) -> Number:
    return arithmetic.power(CONSTANTS["e"], numbers[0])


FUNCTIONS = {
    "abs": Function(lambda arithmetic, n: Number(abs(n[0].value), n[0].is_exact)),
    "avg": Function(_mean, most=None),
    "cbrt": Function(_root(3)),
    "ceil": Function(_to_whole(math.ceil)),
    "comb": Function(_choose("comb", ordered=False), least=2, most=2),
    "exp": Function(_exp),
    "factorial": Function(factorial),
    "floor": Function(_to_whole(math.floor)),
    "gcd": Function(_gcd, most=None),
    "lcm": Function(_lcm, most=None),
    "ln": Function(_log(None)),
    "log": Function(_log(None), most=2),
    "log10": Function(_log(10)),
    "log2": Function(_log(2)),
    "max": Function(lambda arithmetic, n: max(n, key=lambda number: number.value), most=None),
    "mean": Function(_mean, most=None),
    "min": Function(lambda arithmetic, n: min(n, key=lambda number: number.value), most=None),
    "mod": Function(lambda arithmetic, n: arithmetic.modulo(n[0], n[1]), least=2, most=2),
    "perm": Function(_choose("perm", ordered=True), least=2, most=2),
    "pow": Function(lambda arithmetic, n: arithmetic.power(n[0], n[1]), least=2, most=2),
    "round": Function(_round, most=2),
    "sqrt": Function(_root(2)),
    "sum": Function(_total, most=None),
    "trunc": Function(_to_whole(math.trunc)),
}
