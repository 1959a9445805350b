"""`calculator`: one arithmetic expression, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.tools.arguments import shortened, text_argument
from lottery_plugins.tools.arithmetic.exact import Arithmetic, CalculationError
from lottery_plugins.tools.arithmetic.parser import evaluate
from lottery_plugins.tools.arithmetic.tokens import UnreadableError
from lottery_plugins.trajectory import ToolResult

__all__ = ["Calculator"]

HINT = "Send one arithmetic expression."


@dataclass(frozen=True)
class Calculator:
    """Compute one arithmetic expression with a parser of our own; no eval.

    Whole numbers and decimals are exact: a decimal that terminates is shown with all its digits (up to 50 places), any
    other value with `significant_digits`. Reads + - * / // % ** ^ ! × ÷, percent, brackets, thousands commas and
    underscores, and the functions of `arithmetic.functions`. A percent sign before a value is the remainder, elsewhere
    hundredths; `round` rounds half away from zero.

    Raises:
        ConfigError: If an option is out of range.

    Cost: bounded, because a result that would be too long is refused before it is computed.
    """

    name: ClassVar[str] = "calculator"
    summary: ClassVar[str] = "Compute one arithmetic expression, exact for whole numbers and decimals."

    significant_digits: int = option(
        12, "digits shown of a value whose decimal does not terminate", unit="digits", allowed="1 to 50"
    )
    max_digits: int = option(1000, "longest result, in digits", unit="digits", allowed="50 to 4000")
    max_chars: int = option(1000, "longest expression that is read", unit="characters", allowed="1 to 100000")

    def __post_init__(self) -> None:
        for field, low, high in (
            ("significant_digits", 1, 50),
            ("max_digits", 50, 4000),
            ("max_chars", 1, 100_000),
        ):
            value = getattr(self, field)
            if not low <= value <= high:
                raise ConfigError(f"tools: calculator.{field}", value, f"a whole number from {low} to {high}")

    @property
    def description(self) -> ToolDescription:
        """What the model is told."""
        return ToolDescription(
            self.name,
            "Computes one arithmetic expression exactly: + - * / // % **, brackets, and functions such as sqrt, "
            "round, min, max, gcd, factorial.",
            (Parameter("expression", "string", "the expression, e.g. (12 + 3) * 4 / 7"),),
        )

    def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The value as text.

        Raises:
            ToolError: The expression can't be read, has no value, or a value that is too long.
        """
        text = text_argument(self.description, arguments, max_chars=self.max_chars, hint=HINT).strip()
        expression = text.rstrip(" =?")  # models end with "= ?"
        arithmetic = Arithmetic(self.significant_digits, self.max_digits)
        try:
            return ToolResult(arithmetic.render(evaluate(expression, arithmetic)))
        except UnreadableError as error:
            reason = f" ({error.reason})" if error.reason else ""
            raise ToolError(
                self.name, f"cannot read {shortened(text)!r} at column {error.column}{reason}", HINT
            ) from None
        except CalculationError as error:
            raise ToolError(self.name, error.problem, error.hint, category=error.category) from None
