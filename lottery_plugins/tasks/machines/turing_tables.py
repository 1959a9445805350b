"""Turing machines from the literature, as tables of rules.

A row lists, for each tape symbol, one rule a state: symbol written, move (R or L), number of the next state; "halt" is
where the machine stops. States are numbered from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["MACHINES", "Machine", "Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a machine does in one state on one symbol; `move` is 1 to the right and -1 to the left."""

    write: str
    move: int
    state: str


@dataclass(frozen=True, slots=True)
class Machine:
    """A Turing machine with one two-way infinite tape.

    Attributes:
        name: Name in documents and tables.
        blank: Symbol of all cells that nobody wrote.
        start: First state.
        rules: By state and symbol read; where there is none, the machine halts.
    """

    name: str
    blank: str
    start: str
    rules: Mapping[tuple[str, str], Rule]

    @property
    def states(self) -> tuple[str, ...]:
        """All states in order; the last one has no rule where the machine is made to halt in it."""
        named = {state for state, _ in self.rules} | {rule.state for rule in self.rules.values()}
        return tuple(sorted(named, key=lambda state: int(state[1:])))

    @property
    def symbols(self) -> tuple[str, ...]:
        """All tape symbols, the blank first."""
        return tuple(dict.fromkeys([self.blank, *(symbol for _, symbol in self.rules)]))


def _machine(name: str, prefix: str, **rows: str) -> Machine:
    """A machine from one row a symbol, that of the blank first; a leading underscore is no part of the symbol."""
    rules = {}
    for key, row in rows.items():
        for number, cell in enumerate(row.split(), 1):
            if cell != "halt":
                rules[f"{prefix}{number}", key.lstrip("_")] = Rule(
                    cell[0], 1 if cell[1] == "R" else -1, f"{prefix}{cell[2:]}"
                )
    by_state = dict(sorted(rules.items(), key=lambda rule: int(rule[0][0].removeprefix(prefix))))
    return Machine(name, next(iter(rows)).lstrip("_"), f"{prefix}1", by_state)


MACHINES = (
    # Radó 1962, "On non-computable functions": the busy beavers; the last rule of a champion leads to a halt.
    _machine("busy-beaver-2", "q", _0="1R2 1L1", _1="1L2 1R3"),
    _machine("busy-beaver-3", "q", _0="1R2 1L2 1L3", _1="1R4 0R3 1L1"),
    # Brady 1983, "The determination of the value of Rado's noncomputable function Sigma(k) for four-state machines".
    _machine("busy-beaver-4", "q", _0="1R2 1L1 1R5 1R4", _1="1L2 0L3 1L4 0R1"),
    # Wolfram 2002, "A New Kind of Science": machine 596440; proved universal by Smith 2007. It never halts.
    _machine("wolfram-2-3", "q", _0="1R2 2L1", _1="2L1 2R2", _2="1L1 0R1"),
    # Neary and Woods 2009, "Four small universal Turing machines", Fundamenta Informaticae 91, table 16: U_15,2.
    _machine(
        "neary-woods-15-2",
        "u",
        c="cR2 bR3 cL7 cL6 bR1 bL4 cL8 bL9 cR1 bL11 cR12 cR13 cL2 cL3 cR14",
        b="bR1 bR1 cL5 bL5 bL4 bL4 bL7 bL7 bL10 halt bR14 bR12 bR12 cR15 bR14",
    ),
)
"""From small to universal; the number of a machine in the knob `turing_machines` is its place here, from 1."""
