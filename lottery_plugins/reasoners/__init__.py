"""Built-in reasoners, one method a file. They come in through the same hooks as strangers."""

from lottery_plugins.protocols.reasoner import Reasoner
from lottery_plugins.reasoners.adaptive_retrieval import AdaptiveRetrieval
from lottery_plugins.reasoners.best_of_n import BestOfN
from lottery_plugins.reasoners.chain_of_thought import ChainOfThought
from lottery_plugins.reasoners.debate import Debate
from lottery_plugins.reasoners.direct import Direct
from lottery_plugins.reasoners.divide_and_conquer import DivideAndConquer
from lottery_plugins.reasoners.graph_of_thoughts import GraphOfThoughts
from lottery_plugins.reasoners.least_to_most import LeastToMost
from lottery_plugins.reasoners.program_aided import ProgramAided
from lottery_plugins.reasoners.q_star import QStar
from lottery_plugins.reasoners.react import ReAct
from lottery_plugins.reasoners.retrieve_then_read import RetrieveThenRead
from lottery_plugins.reasoners.self_ask import SelfAsk
from lottery_plugins.reasoners.self_consistency import SelfConsistency
from lottery_plugins.reasoners.tree_of_thoughts import TreeOfThoughts

__all__ = [
    "REASONERS",
    "AdaptiveRetrieval",
    "BestOfN",
    "ChainOfThought",
    "Debate",
    "Direct",
    "DivideAndConquer",
    "GraphOfThoughts",
    "LeastToMost",
    "ProgramAided",
    "QStar",
    "ReAct",
    "RetrieveThenRead",
    "SelfAsk",
    "SelfConsistency",
    "TreeOfThoughts",
]

REASONERS: tuple[type[Reasoner], ...] = (
    AdaptiveRetrieval,
    BestOfN,
    ChainOfThought,
    Debate,
    Direct,
    DivideAndConquer,
    GraphOfThoughts,
    LeastToMost,
    ProgramAided,
    QStar,
    ReAct,
    RetrieveThenRead,
    SelfAsk,
    SelfConsistency,
    TreeOfThoughts,
)
"""What `lottery_reasoners` returns for the built-ins."""
