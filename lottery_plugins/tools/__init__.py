"""Built-in tools (C in the paper), one a file. Importing them loads no library of theirs."""

from lottery_plugins.tools.calculator import Calculator
from lottery_plugins.tools.files import Files
from lottery_plugins.tools.python import Python

__all__ = ["TOOLS", "Calculator", "Files", "Python"]

TOOLS = (
    Calculator,
    Files,
    Python,
)
"""What the built-in plugin registers."""
