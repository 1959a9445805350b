"""Another attempt at the same problem: services whose completions are drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from lottery_plugins.generation import Completion
from lottery_plugins.messages import Message
from lottery_plugins.protocols.reasoner import Services

__all__ = ["MAX_ATTEMPTS", "MAX_SAMPLES", "attempt", "redrawn"]

MAX_ATTEMPTS = 16
"""Most attempts at one problem, the first included."""

MAX_SAMPLES = 1024
"""Samples of one prompt within an attempt; with more than these, attempts may draw the same one."""


def attempt(services: Services, number: int, temperature: float, *, level: int) -> Services:
    """The services for another attempt at a problem.

    The first attempt goes by the task's own settings. In a later one every completion for which no temperature is
    asked is drawn at `temperature`. No two attempts draw the same sample, also when made within attempts.

    Args:
        services: Those of the problem, or of the attempt that this one is within.
        number: From 0 and below `MAX_ATTEMPTS`; 0 is the first attempt.
        temperature: Above 0.
        level: Number of sub-problems that the problem is within; each level has numbers of its own.
    """
    first = number * MAX_SAMPLES * MAX_ATTEMPTS**level
    return redrawn(services, temperature, lambda sample: first + sample) if number else services


def redrawn(
    services: Services, temperature: float, number: Callable[[int], int], *, only_first: bool = False
) -> Services:
    """The same services, whose completions are drawn at a temperature where none is asked for.

    Args:
        services: What is handed on.
        temperature: Above 0.
        number: Makes the sample number out of the one that is asked for.
        only_first: Whether only the first completion is drawn; the samples of all are numbered anew.
    """
    return cast("Services", _Redrawn(services, temperature, number, only_first=only_first))


class _Redrawn:
    """Services with another `generate`; everything else is handed on."""

    def __init__(
        self, services: Services, temperature: float, number: Callable[[int], int], *, only_first: bool
    ) -> None:
        self._services = services
        self._temperature: float | None = temperature
        self._number = number
        self._only_first = only_first

    def __getattr__(self, name: str) -> Any:
        return getattr(self._services, name)

    async def generate(
        self,
        messages: Sequence[Message],
        *,
        purpose: str,
        max_tokens: int | None = None,
        stop: Sequence[str] | None = None,
        temperature: float | None = None,
        sample: int = 0,
        proxy: bool = False,
    ) -> Completion:
        """One completion; see the protocol."""
        if temperature is None:
            temperature = self._temperature
        if self._only_first:
            self._temperature = None
        return await self._services.generate(
            messages,
            purpose=purpose,
            max_tokens=max_tokens,
            stop=stop,
            temperature=temperature,
            sample=self._number(sample),
            proxy=proxy,
        )
