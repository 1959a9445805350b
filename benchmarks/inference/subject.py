"""The model that is measured, and a counter of the tokens that it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

__all__ = ["Counter", "Subject", "load_subject", "random_llama"]

_TEXT = Path(__file__).resolve().parents[1] / "compression_text.txt"


@dataclass
class Counter:
    """Counts tokens that reach any embedding of a vocabulary of this size: all that are forwarded, padding included.

    It watches the class, since an engine may run a copy of the model. One at a time.
    """

    vocab_size: int
    forwarded: int = 0
    passes: int = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count inside the `with` block, in this process."""
        forward = torch.nn.Embedding.forward

        def counted(embedding: torch.nn.Embedding, ids: torch.Tensor) -> torch.Tensor:
            if embedding.num_embeddings == self.vocab_size:
                self.forwarded += ids.numel()
                self.passes += 1
            return forward(embedding, ids)

        torch.nn.Embedding.forward = counted
        try:
            yield
        finally:
            torch.nn.Embedding.forward = forward

    def take(self) -> tuple[int, int]:
        """Tokens and passes since the last call."""
        taken = self.forwarded, self.passes
        self.forwarded = self.passes = 0
        return taken


@dataclass
class Subject:
    """A model in fp32 that never ends a text by itself.

    Attributes:
        model: The transformers model.
        folder: Where it is; empty for one made here.
        text_ids: Ids of a text to cut prompts from.
        never: An id that the model does not generate; used for padding.
    """

    model: Any
    folder: str
    text_ids: list[int]
    never: int
    counter: Counter

    @property
    def vocab_size(self) -> int:
        return int(self.model.config.vocab_size)


def load_subject(folder: str, dtype: str = "float32") -> Subject:
    """The model of a folder."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
    text_ids = tokenizer(_TEXT.read_text(encoding="utf-8"), add_special_tokens=False)["input_ids"]
    special = [i for i in tokenizer.all_special_ids if i != model.config.eos_token_id]
    return _subject(model, folder, text_ids, special[-1] if special else model.config.vocab_size - 1)


def random_llama(hidden: int = 256, layers: int = 4, max_length: int = 32768, seed: int = 0) -> Subject:
    """A small Llama with random weights, for loads that a real model would take hours for."""
    import random

    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    heads = max(hidden // 64, 1)
    config = LlamaConfig(
        vocab_size=2048, hidden_size=hidden, intermediate_size=hidden * 3, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=max(heads // 2, 1), max_position_embeddings=max_length,
        tie_word_embeddings=True,
    )  # fmt: skip
    ids = random.Random(seed).choices(range(4, 2000), k=5000)
    return _subject(LlamaForCausalLM(config).eval(), "", ids, 2047)


def _subject(model: Any, folder: str, text_ids: list[int], never: int) -> Subject:
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = never
    model.config.eos_token_id = None
    return Subject(model, folder, text_ids, never, Counter(model.config.vocab_size))
