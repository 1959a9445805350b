"""Built-in verifiers, one a file: what judges an answer without knowing the gold one."""

from lottery_plugins.verifiers.agreement import Agreement
from lottery_plugins.verifiers.execution import Execution
from lottery_plugins.verifiers.hidden_state import HiddenStateVerifier
from lottery_plugins.verifiers.reward_model import RewardModelVerifier
from lottery_plugins.verifiers.self_check import SelfCheck

__all__ = ["VERIFIERS", "Agreement", "Execution", "HiddenStateVerifier", "RewardModelVerifier", "SelfCheck"]

VERIFIERS = (
    Agreement,
    Execution,
    HiddenStateVerifier,
    RewardModelVerifier,
    SelfCheck,
)
"""What the built-in plugin registers."""
