"""Logic for lottery-plugins: the tool `logic` and the reasoner `logic-program` (Logic-LM).

Importing this package loads neither z3 nor a prompt.
"""

from __future__ import annotations

from lottery_logic.reasoner import LogicProgram
from lottery_logic.tool import Logic
from lottery_plugins import hookimpl

__all__ = ["Logic", "LogicProgram"]


@hookimpl
def lottery_tools() -> list[type]:
    """Registered as `tools=logic`."""
    return [Logic]


@hookimpl
def lottery_reasoners() -> list[type]:
    """Registered as `reasoner=logic-program`."""
    return [LogicProgram]
