"""Built-in reasoners, one method a file. They come in through the same hooks as strangers."""

from lottery_plugins.protocols.reasoner import Reasoner
from lottery_plugins.reasoners.adaptive_retrieval import AdaptiveRetrieval
from lottery_plugins.reasoners.best_of_n import BestOfN
from lottery_plugins.reasoners.chain_of_thought import ChainOfThought
from lottery_plugins.reasoners.debate import Debate
from lottery_plugins.reasoners.direct import Direct
from lottery_plugins.reasoners.least_to_most import LeastToMost
from lottery_plugins.reasoners.program_aided import ProgramAided
from lottery_plugins.reasoners.react import ReAct
from lottery_plugins.reasoners.retrieve_then_read import RetrieveThenRead
from lottery_plugins.reasoners.self_ask import SelfAsk
from lottery_plugins.reasoners.self_consistency import SelfConsistency

__all__ = [
    "REASONERS",
    "AdaptiveRetrieval",
    "BestOfN",
    "ChainOfThought",
    "Debate",
    "Direct",
    "LeastToMost",
    "ProgramAided",
    "ReAct",
    "RetrieveThenRead",
    "SelfAsk",
    "SelfConsistency",
]

REASONERS: tuple[type[Reasoner], ...] = (
    AdaptiveRetrieval,
    BestOfN,
    ChainOfThought,
    Debate,
    Direct,
    LeastToMost,
    ProgramAided,
    ReAct,
    RetrieveThenRead,
    SelfAsk,
    SelfConsistency,
)
"""What `lottery_reasoners` returns for the built-ins."""
