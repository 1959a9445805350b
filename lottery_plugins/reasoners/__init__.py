"""Built-in reasoners, one method a file. They come in through the same hooks as strangers."""

from lottery_plugins.protocols.reasoner import Reasoner
from lottery_plugins.reasoners.chain_of_thought import ChainOfThought
from lottery_plugins.reasoners.direct import Direct
from lottery_plugins.reasoners.program_aided import ProgramAided
from lottery_plugins.reasoners.react import ReAct
from lottery_plugins.reasoners.retrieve_then_read import RetrieveThenRead

__all__ = ["REASONERS", "ChainOfThought", "Direct", "ProgramAided", "ReAct", "RetrieveThenRead"]

REASONERS: tuple[type[Reasoner], ...] = (Direct, ChainOfThought, RetrieveThenRead, ProgramAided, ReAct)
"""What `lottery_reasoners` returns for the built-ins."""
