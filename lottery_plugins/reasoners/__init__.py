"""Built-in reasoners, one method a file. They come in through the same hooks as strangers."""

from lottery_plugins.protocols.reasoner import Reasoner
from lottery_plugins.reasoners.chain_of_thought import ChainOfThought
from lottery_plugins.reasoners.direct import Direct
from lottery_plugins.reasoners.divide_and_conquer import DivideAndConquer
from lottery_plugins.reasoners.graph_of_thoughts import GraphOfThoughts
from lottery_plugins.reasoners.program_aided import ProgramAided
from lottery_plugins.reasoners.q_star import QStar
from lottery_plugins.reasoners.react import ReAct
from lottery_plugins.reasoners.retrieve_then_read import RetrieveThenRead
from lottery_plugins.reasoners.tree_of_thoughts import TreeOfThoughts

__all__ = [
    "REASONERS",
    "ChainOfThought",
    "Direct",
    "DivideAndConquer",
    "GraphOfThoughts",
    "ProgramAided",
    "QStar",
    "ReAct",
    "RetrieveThenRead",
    "TreeOfThoughts",
]

REASONERS: tuple[type[Reasoner], ...] = (
    ChainOfThought,
    Direct,
    DivideAndConquer,
    GraphOfThoughts,
    ProgramAided,
    QStar,
    ReAct,
    RetrieveThenRead,
    TreeOfThoughts,
)
"""What `lottery_reasoners` returns for the built-ins."""
