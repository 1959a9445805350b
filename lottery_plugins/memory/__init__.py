"""Built-in memory backends (M in the paper), one a file."""

from lottery_plugins.memory.scratchpad import Scratchpad
from lottery_plugins.memory.sqlite import Sqlite
from lottery_plugins.memory.tape import Tape

__all__ = ["MEMORY_BACKENDS", "Scratchpad", "Sqlite", "Tape"]

MEMORY_BACKENDS = (
    Scratchpad,
    Sqlite,
    Tape,
)
"""What the built-in plugin registers."""
