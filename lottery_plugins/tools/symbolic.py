"""`sympy`: algebra, read by a parser of our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.tools.algebra.operations import answer
from lottery_plugins.tools.algebra.parser import parse
from lottery_plugins.tools.arguments import shortened, text_argument
from lottery_plugins.tools.arithmetic.exact import CalculationError
from lottery_plugins.tools.arithmetic.tokens import UnreadableError
from lottery_plugins.trajectory import ToolResult

__all__ = ["SymPy"]

HINT = "Send one request, e.g. solve(x**2 - 4 = 0, x)."


@dataclass(frozen=True)
class SymPy:
    """Do algebra with sympy: simplify, expand, factor, solve, diff, integrate, limit, substitute, evaluate.

    A request is read into a tree by a parser of our own, which knows a list of functions and nothing else; sympy gets
    numbers and symbols made from it, never text, and nothing is evaluated as Python. Results are exact; `evaluate`
    gives 12 digits where a value is no short fraction. Variables may be complex, and so may the roots that `solve`
    gives; of infinitely many it gives those of one period, or the principal one.

    Raises:
        ConfigError: If an option is out of range.

    Cost: powers, degrees and numbers are bounded before anything is computed. Some integrals and equations take long
        all the same: the run's `tool_timeout_s` ends them, with the process they run in.
    """

    name: ClassVar[str] = "sympy"
    summary: ClassVar[str] = "Do algebra: simplify, expand, factor, solve, differentiate, integrate, limits."
    requires: ClassVar[tuple[tuple[str, str], ...]] = (("sympy", "pip install sympy"),)

    max_chars: int = option(1000, "longest request that is read", unit="characters", allowed="1 to 10000")
    max_output_chars: int = option(4000, "longest answer", unit="characters", allowed="10 to 100000")

    def __post_init__(self) -> None:
        for field, low, high in (("max_chars", 1, 10_000), ("max_output_chars", 10, 100_000)):
            value = getattr(self, field)
            if not low <= value <= high:
                raise ConfigError(f"tools: sympy.{field}", value, f"a whole number from {low} to {high}")

    @property
    def description(self) -> ToolDescription:
        """What the model is told."""
        return ToolDescription(
            self.name,
            "Does algebra exactly. Send one of: simplify(e), expand(e), factor(e), solve(e1 = e2, x), "
            "solve([eq1, eq2], [x, y]), diff(e, x), integrate(e, x), integrate(e, x, 0, 1), limit(e, x, 0), "
            "substitute(e, x = 2), evaluate(e, x = 2).",
            (Parameter("request", "string", "the operation and its expression, e.g. solve(x**2 - 4 = 0, x)"),),
        )

    def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The result as text.

        Raises:
            ToolError: The request can't be read, has no answer, or could become too large.
        """
        text = text_argument(self.description, arguments, max_chars=self.max_chars, hint=HINT).strip()
        try:
            result = answer(parse(text.rstrip("?").strip().strip("$`")))
        except UnreadableError as error:
            reason = f" ({error.reason})" if error.reason else ""
            problem = f"cannot read {shortened(text)!r} at column {error.column}{reason}"
            raise ToolError(self.name, problem, HINT) from None
        except CalculationError as error:
            raise ToolError(self.name, error.problem, error.hint, category=error.category) from None
        except Exception as error:  # noqa: BLE001 - sympy's algorithms raise whatever they meet; none of it is ours
            problem = f"sympy could not do this ({type(error).__name__})"
            raise ToolError(self.name, problem, "Ask for it in another form.", category="domain") from None
        if len(result) > self.max_output_chars:
            problem = f"the answer has more than {self.max_output_chars} characters"
            raise ToolError(self.name, problem, "Ask for something smaller.", category="limit")
        return ToolResult(result)
