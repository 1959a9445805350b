"""Built-in retrievers (R in the paper), one a file. Importing them loads no library of theirs."""

from lottery_plugins.retrievers.bm25 import Bm25
from lottery_plugins.retrievers.prompt import Prompt

__all__ = ["RETRIEVERS", "Bm25", "Prompt"]

RETRIEVERS = (Bm25, Prompt)
"""What the built-in plugin registers."""
