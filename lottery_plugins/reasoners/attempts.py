"""Another attempt at the same problem: services whose completions are drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from lottery_plugins.generation import Completion
from lottery_plugins.messages import Message
from lottery_plugins.protocols.reasoner import Services

__all__ = ["MAX_ATTEMPTS", "attempt"]

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
    first_sample = number * MAX_SAMPLES * MAX_ATTEMPTS**level
    return cast("Services", _Attempt(services, first_sample, temperature)) if number else services


class _Attempt:
    """Services with another `generate`; everything else is handed on."""

    def __init__(self, services: Services, first_sample: int, temperature: float) -> None:
        self._services = services
        self._first_sample = first_sample
        self._temperature = temperature

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
        """One completion of this attempt; see the protocol."""
        return await self._services.generate(
            messages,
            purpose=purpose,
            max_tokens=max_tokens,
            stop=stop,
            temperature=self._temperature if temperature is None else temperature,
            sample=self._first_sample + sample,
            proxy=proxy,
        )
