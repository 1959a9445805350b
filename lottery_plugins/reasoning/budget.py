"""What is left of one problem's limits."""

from __future__ import annotations

from collections.abc import Callable

from lottery_plugins.limits import BudgetExceededError, Limits, StopReason

__all__ = ["Budget"]


class Budget:
    """Counts down the limits of one problem.

    Tokens are reserved before a completion starts and the unused ones given back when it is done, so that completions
    running at the same time can't outspend the limit together. Used from one event loop only.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._calls = limits.max_calls
        self._tool_calls = limits.max_tool_calls
        self._tokens = limits.max_new_tokens
        self._started = clock()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the problem was started."""
        return self._clock() - self._started

    def seconds_left(self) -> float | None:
        """Wall time left, above 0; None without a limit.

        Raises:
            BudgetExceededError: None is left.
        """
        if self._limits.max_seconds is None:
            return None
        left = self._limits.max_seconds - self.elapsed_s
        if left <= 0:
            raise BudgetExceededError(StopReason.MAX_SECONDS)
        return left

    def take_completion(self, wanted_tokens: int) -> int:
        """Reserve one completion; returns how many tokens it may have: at least 1, at most `wanted_tokens`.

        Raises:
            BudgetExceededError: No completion or no token is left.
        """
        if self._calls < 1:
            raise BudgetExceededError(StopReason.MAX_CALLS)
        if self._tokens < 1:
            raise BudgetExceededError(StopReason.MAX_TOKENS)
        granted = max(1, min(wanted_tokens, self._tokens))
        self._calls -= 1
        self._tokens -= granted
        return granted

    def give_back_tokens(self, unused: int) -> None:
        """Return reserved tokens that were not generated."""
        self._tokens += max(0, unused)

    def take_tool_call(self) -> None:
        """Count one tool call.

        Raises:
            BudgetExceededError: None is left.
        """
        if self._tool_calls < 1:
            raise BudgetExceededError(StopReason.MAX_TOOL_CALLS)
        self._tool_calls -= 1
