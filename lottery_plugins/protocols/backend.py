"""Backends: what runs requests. The seam between the scheduler and a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from lottery_plugins.generation import Completion, GenerationRequest
from lottery_plugins.messages import Message

__all__ = ["Backend", "HiddenState", "ReadsHiddenStates", "TextEngine"]


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


class TextEngine(Protocol):
    """Answers single requests, many at once: what reasoners stand on. Used from one event loop at a time."""

    async def generate(self, request: GenerationRequest) -> Completion:
        """The completion of one request.

        Raises:
            DataError: Its prompt does not fit the model's window.
            RunEndedError: The model gives no usable numbers; no request can be answered any more.
        """
        ...

    def count_tokens(self, text: str) -> int | None:
        """Number of tokens, or None where it can't tell."""
        ...

    def release(self, trajectory: int) -> None:
        """A trajectory has ended: what is kept for its next step may go."""
        ...


@dataclass(frozen=True, slots=True)
class HiddenState:
    """What a model made of a text: the state of its last layer, after its last normalization, at the last token.

    Attributes:
        values: One number per dimension of the model.
        num_tokens: Tokens of the text; all of them were sent through the model.
        seconds: Time in the model.
    """

    values: tuple[float, ...]
    num_tokens: int
    seconds: float = 0.0


class ReadsHiddenStates(Protocol):
    """Tells the hidden state of a text. Used from the event loop that the engine of the same model is used from."""

    async def features(self, messages: Sequence[Message]) -> HiddenState:
        """The hidden state at the last token of the rendered messages.

        Raises:
            DataError: They do not fit the model's window.
        """
        ...
