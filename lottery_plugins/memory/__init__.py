"""Built-in memory backends (M in the paper), one a file."""

from lottery_plugins.memory.scratchpad import Scratchpad

__all__ = ["MEMORY_BACKENDS", "Scratchpad"]

MEMORY_BACKENDS = (Scratchpad,)
"""What the built-in plugin registers."""
