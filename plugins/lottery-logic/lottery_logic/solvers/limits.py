"""How much a program may cost."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lottery_logic.language.errors import NOWHERE, Place, ProgramError

__all__ = ["SolverLimits", "Spending"]


@dataclass(frozen=True, slots=True)
class SolverLimits:
    """The budget of one program.

    Attributes:
        max_steps: Attempts to match a rule with a fact, or z3's own resource count: the same on any machine.
        max_nodes: Nodes of the formulas for z3, once quantifiers over finite sorts were written out.
        timeout_s: Wall time for all that z3 does: a last resort, since it depends on the machine.
    """

    max_steps: int = 2_000_000
    max_nodes: int = 100_000
    timeout_s: float = 10.0


@dataclass(slots=True)
class Spending:
    """Counts down a budget."""

    left: int
    what: str
    end: float = float("inf")  # of time.monotonic

    def spend(self, amount: int = 1, place: Place = NOWHERE) -> None:
        """Take from what is left.

        Raises:
            ProgramError: Nothing is.
        """
        self.left -= amount
        if time.monotonic() > self.end:
            raise ProgramError(place, "the program takes too long", "Use fewer things.", category="limit")
        if self.left < 0:
            raise ProgramError(
                place,
                f"the program takes more than the allowed {self.what}",
                "Use fewer rules, things or variables.",
                category="limit",
            )
