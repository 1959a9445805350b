"""Built-in tools (C in the paper), one a file. Importing them loads no library of theirs."""

from lottery_plugins.tools.calculator import Calculator
from lottery_plugins.tools.date_time import DateTime
from lottery_plugins.tools.files import Files
from lottery_plugins.tools.python import Python

__all__ = ["TOOLS", "Calculator", "DateTime", "Files", "Python"]

TOOLS = (
    Calculator,
    DateTime,
    Files,
    Python,
)
"""What the built-in plugin registers."""
