"""Text that stands for token ids and nothing else: "<12> <345>". So that ways which take text get the same tokens.

A real tokenizer may read its own output back as other tokens, and then two ways would answer different prompts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

__all__ = ["NumberCodec", "from_text", "number_tokenizer", "to_text"]


def to_text(ids: Sequence[int]) -> str:
    """The text of some ids."""
    return " ".join(f"<{i}>" for i in ids)


def from_text(text: str) -> list[int]:
    """The ids of a text."""
    return [int(word.strip("<>")) for word in text.split()]


def number_tokenizer(vocab_size: int, never: int) -> Any:
    """A transformers tokenizer for such text, also with a chat template that adds nothing.

    Args:
        vocab_size: Ids below it are known.
        never: An id that the model doesn't generate: it pads, and ends texts for those who must have such a token.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocab = {f"<{i}>": i for i in range(vocab_size)}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token=f"<{never}>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    end = f"<{never}>"
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=end, pad_token=end, unk_token=end)
    fast.chat_template = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    fast.model_max_length = 1_000_000
    return fast


@dataclass(frozen=True)
class NumberCodec:
    """The same as a `TokenCodec` for engines."""

    vocab_size: int
    end_ids: frozenset[int] = frozenset()
    special_ids: Mapping[str, int] = field(default_factory=dict)

    def encode(self, text: str) -> list[int]:
        return from_text(text)

    def encode_more(self, text: str) -> list[int]:
        return from_text(text)

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(f"<{i}> " for i in ids)

    def render(self, messages: Sequence[Any]) -> str:
        return " ".join(m.content for m in messages)

    @cached_property
    def token_bytes(self) -> list[bytes]:
        return [f"<{i}> ".encode() for i in range(self.vocab_size)]
