"""`logic`: a program of facts and rules, of constraints, or of first-order formulas, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from lottery_logic.language.errors import ProgramError
from lottery_logic.language.parser import parse
from lottery_logic.solvers.answers import answer
from lottery_logic.solvers.limits import SolverLimits
from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.tools.arguments import text_argument
from lottery_plugins.trajectory import ToolResult

__all__ = ["Logic"]

HINT = "Send a logic program: fact, rule and ask lines, or let, assert and ask lines."

_FENCED = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*\n(.*?)(?:^[ \t]*(?:```|~~~)[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Logic:
    """Answer a program in the little language of `language/page.md`.

    A parser of our own makes a syntax tree of it; facts and rules go to a forward chainer, constraints and first-order
    formulas to z3, through its constructors. Nothing that a model wrote is executed, and no text of it reaches z3.

    Raises:
        ConfigError: If an option is out of range.

    Cost: bounded by `max_steps`, which counts the same on any machine; `timeout_s` is a last resort.
    """

    name: ClassVar[str] = "logic"
    summary: ClassVar[str] = "Answer a program of facts and rules, of constraints, or of first-order formulas."
    source: ClassVar[str] = "Pan et al. 2023, Logic-LM, arXiv:2305.12295; z3: de Moura and Bjorner 2008"
    requires: ClassVar[tuple[tuple[str, str], ...]] = (("z3", "pip install z3-solver"),)

    max_steps: int = option(
        2_000_000,
        "most attempts to match a rule, or units of z3's own count",
        unit="steps",
        allowed="1000 to 1000000000",
    )
    max_nodes: int = option(100_000, "most nodes of the formulas for z3", unit="nodes", allowed="1000 to 10000000")
    timeout_s: float = option(10.0, "most time for all that z3 does for a program", unit="s", allowed="(0, 600]")
    max_chars: int = option(20_000, "longest program", unit="characters", allowed="100 to 1000000")

    def __post_init__(self) -> None:
        for field, low, high in (
            ("max_steps", 1000, 10**9),
            ("max_nodes", 1000, 10**7),
            ("max_chars", 100, 10**6),
        ):
            value = getattr(self, field)
            if not low <= value <= high:
                raise ConfigError(f"tools: logic.{field}", value, f"a whole number from {low} to {high}")
        if not 0 < self.timeout_s <= 600:
            raise ConfigError("tools: logic.timeout_s", self.timeout_s, "a number of seconds in (0, 600]")

    @property
    def description(self) -> ToolDescription:
        """What the model is told."""
        return ToolDescription(
            self.name,
            "Answers a logic program, one statement per line. Either: fact p(a) / rule p($x) and not q($x) -> r($x) / "
            "ask r(a). Or: let a, b in 1..3 / assert a < b and distinct(a, b) / ask a = 1, or option A: a = 1. Or "
            "first-order: assert forall x: p(x) -> q(x) / ask q(a).",
            (Parameter("program", "string", "the program, one statement per line"),),
        )

    def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The answer: true, false or unknown; the labels of options; or the values of unknowns.

        Raises:
            ToolError: The program can't be read, contradicts itself, or exceeds a limit; with line and column.
        """
        text = text_argument(self.description, arguments, max_chars=self.max_chars, hint=HINT)
        limits = SolverLimits(self.max_steps, self.max_nodes, self.timeout_s)
        try:
            program = parse(_unfenced(text))
            return ToolResult(answer(program, limits), ran_in="chainer" if program.kind == "rules" else "z3")
        except ProgramError as error:
            raise ToolError(self.name, error.located, error.hint or HINT, category=error.category) from None


def _unfenced(text: str) -> str:
    """The program inside Markdown fences, or else the text; blank lines keep the line numbers right."""
    fenced = _FENCED.search(text)
    return text if fenced is None else "\n" * text[: fenced.start(1)].count("\n") + fenced[1]
