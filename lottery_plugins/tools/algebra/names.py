"""The names that mean something: functions, constants and operations, by all the spellings that are read."""

from __future__ import annotations

__all__ = ["CONSTANTS", "FUNCTIONS", "OPERATIONS"]

_PLAIN = "sqrt cbrt exp log sin cos tan cot sec csc sinh cosh tanh asin acos atan Abs"

FUNCTIONS = {
    **{name: name for name in _PLAIN.split()},
    "√": "sqrt", "ln": "log", "abs": "Abs", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
}  # fmt: skip
"""sympy's name by spelling; `log` takes a base as its second argument."""

CONSTANTS = {
    "pi": "pi", "π": "pi", "e": "E", "E": "E", "I": "I", "oo": "oo", "inf": "oo", "infinity": "oo", "∞": "oo",
}  # fmt: skip
"""sympy's name by spelling; any other name is a variable."""

OPERATIONS = {
    **{name: name for name in ("simplify", "expand", "factor", "solve", "diff", "integrate", "limit", "evaluate")},
    "substitute": "substitute", "subs": "substitute", "differentiate": "diff", "derivative": "diff",
    "integral": "integrate", "evalf": "evaluate", "N": "evaluate", "factorize": "factor", "roots": "solve",
}  # fmt: skip
"""Our name by spelling."""
