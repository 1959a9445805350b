"""The border between text and token ids. Engines see ids only; reasoners see text only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from lottery_plugins.messages import Message

__all__ = ["TokenCodec"]


@runtime_checkable
class TokenCodec(Protocol):
    """Text to token ids and back, as one model's tokenizer does it. Has no state that its answers depend on."""

    @property
    def end_ids(self) -> frozenset[int]:
        """Tokens that end a completion."""
        ...

    @property
    def token_bytes(self) -> Sequence[bytes]:
        """What each token adds to the text, by id; b"" for tokens that `decode` leaves out.

        For checks at every token; whoever finds something in it confirms it with `decode`, which alone is exact.
        """
        ...

    @property
    def special_ids(self) -> Mapping[str, int]:
        """The tokens that `decode` leaves out, by the text that stands for them in a prompt: "<|im_end|>"."""
        ...

    def encode(self, text: str) -> list[int]:
        """A whole prompt: with what the tokenizer puts before it, unless the text begins with it already."""
        ...

    def encode_more(self, text: str) -> list[int]:
        """Text that goes on from other tokens: nothing is put before it. [] for ""."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of generated tokens, special tokens left out."""
        ...

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt text for these turns: by the model's chat template, or plain for a base model."""
        ...
