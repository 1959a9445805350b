"""`unit-convert`: an amount in other units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from typing import Any, ClassVar

from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.tools.arguments import text_argument
from lottery_plugins.tools.arithmetic.exact import plain
from lottery_plugins.tools.units.conversion import convert
from lottery_plugins.tools.units.reading import UnitsError, read_question
from lottery_plugins.trajectory import ToolResult

__all__ = ["UnitConvert"]

HINT = "Send one such as: 5 miles to km."
EXACT_DIGITS = 30


@dataclass(frozen=True)
class UnitConvert:
    """Convert an amount to other units by pint's definitions, in exact fractions.

    The text is read by a parser of our own; pint is only asked for single units by name. A result with at most 30
    digits is shown with all of them, any other with `significant_digits`. 20 degC is a temperature, 20 degC/km a
    difference of temperatures. Units that change, such as currencies, and logarithmic ones are refused.

    Raises:
        ConfigError: If an option is out of range.

    Cost: the first call in a process loads pint's definitions.
    """

    name: ClassVar[str] = "unit-convert"
    summary: ClassVar[str] = "Convert an amount to other units, exactly."
    source: ClassVar[str] = "https://pint.readthedocs.io"
    requires: ClassVar[tuple[tuple[str, str], ...]] = (("pint", "pip install pint"),)

    significant_digits: int = option(12, "digits shown of a value that has too many", unit="digits", allowed="1 to 30")

    def __post_init__(self) -> None:
        if not 1 <= self.significant_digits <= EXACT_DIGITS:
            raise ConfigError(
                "tools: unit-convert.significant_digits",
                self.significant_digits,
                f"a whole number from 1 to {EXACT_DIGITS}",
            )

    @property
    def description(self) -> ToolDescription:
        """What the model is told."""
        return ToolDescription(
            self.name,
            "Converts an amount to other units: lengths, masses, times, temperatures, speeds, energies and so on.",
            (Parameter("conversion", "string", "the amount and the units, e.g. 5 miles to km"),),
        )

    def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The amount and its units.

        Raises:
            ToolError: The text can't be read, a unit is unknown, or the units measure different things.
        """
        text = text_argument(self.description, arguments, max_chars=200, hint=HINT)
        try:
            question = read_question(text)
            return ToolResult(f"{self._shown(convert(question))} {question.target_text}")
        except UnitsError as error:
            hint = HINT if error.category == "arguments" else ""
            raise ToolError(self.name, error.problem, hint, category=error.category) from None

    def _shown(self, value: Fraction) -> str:
        numerator, denominator = Decimal(value.numerator), Decimal(value.denominator)
        try:
            return plain(Context(prec=EXACT_DIGITS, traps=[Inexact]).divide(numerator, denominator))
        except Inexact:
            return plain(Context(prec=self.significant_digits).divide(numerator, denominator))
