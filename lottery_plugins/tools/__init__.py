"""Built-in tools (C in the paper), one a file. Importing them loads no library of theirs."""

from lottery_plugins.tools.calculator import Calculator
from lottery_plugins.tools.python import Python
from lottery_plugins.tools.symbolic import SymPy

__all__ = ["TOOLS", "Calculator", "Python", "SymPy"]

TOOLS = (Calculator, Python, SymPy)
"""What the built-in plugin registers."""
