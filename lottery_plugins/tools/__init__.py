"""Built-in tools (C in the paper), one a file. Importing them loads no library of theirs."""

from lottery_plugins.tools.calculator import Calculator
from lottery_plugins.tools.date_time import DateTime
from lottery_plugins.tools.files import Files
from lottery_plugins.tools.python import Python
from lottery_plugins.tools.symbolic import SymPy
from lottery_plugins.tools.unit_convert import UnitConvert

__all__ = ["TOOLS", "Calculator", "DateTime", "Files", "Python", "SymPy", "UnitConvert"]

TOOLS = (
    Calculator,
    DateTime,
    Files,
    Python,
    SymPy,
    UnitConvert,
)
"""What the built-in plugin registers."""
