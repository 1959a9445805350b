"""What one problem may cost at most, and why it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["BudgetExceededError", "Limits", "StopReason"]


class StopReason(str, Enum):
    """Why a trajectory ended."""

    ANSWERED = "answered"
    MAX_STEPS = "max_steps"
    MAX_CALLS = "max_calls"
    MAX_TOKENS = "max_tokens"
    MAX_SECONDS = "max_seconds"
    MAX_TOOL_CALLS = "max_tool_calls"
    NO_ANSWER = "no_answer"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Budget of one problem; a reasoner can't outspend it.

    Attributes:
        max_calls: Most completions, at least 1.
        max_tool_calls: Most tool calls.
        max_new_tokens: Most generated tokens over all completions.
        max_seconds: Wall time per problem while it is being worked on; None is no limit. It makes results depend on
            the machine, so it is off unless asked for.
    """

    max_calls: int = 64
    max_tool_calls: int = 64
    max_new_tokens: int = 8192
    max_seconds: float | None = None


class BudgetExceededError(Exception):
    """Raised by the services when a limit is reached; the runner turns it into the stop reason."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(reason.value)
        self.reason = reason
