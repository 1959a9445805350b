"""Backends: what runs requests. The seam between the scheduler and a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from lottery_plugins.generation import Completion, GenerationRequest
from lottery_plugins.messages import Message

__all__ = ["Backend"]


@runtime_checkable
class Backend(Protocol):
    """Answers requests in batches."""

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt text for these turns: by the model's chat template, or plain for a base model."""
        ...

    def count_tokens(self, text: str) -> int | None:
        """Number of tokens, or None where the backend can't tell."""
        ...

    def generate(self, requests: Sequence[GenerationRequest]) -> list[Completion]:
        """Answer all requests, in their order, exactly one completion each.

        Raises:
            BackendError: The model answered fewer or more than asked.
        """
        ...
