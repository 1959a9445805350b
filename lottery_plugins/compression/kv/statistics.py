"""What KV methods did to the caches of a model: the measured effect, for the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lottery_plugins.compression.kv.pressed_layer import PressedLayer
from lottery_plugins.protocols.kv_cache import KVQuantizer

__all__ = ["PressStatistics"]


@dataclass(slots=True)
class PressStatistics:
    """Counts over all prompts, each as its prompt's end left it.

    Attributes:
        prompts: Rows of all batches.
        prompt_tokens: Their tokens, without padding.
        kept_by_layer: Tokens that stayed, layer by layer.
        bytes_before: Of the cache as transformers held it, padding included.
        bytes_after: Likewise, when all was done. Encoded positions are held decoded here: quantizing saves nothing.
        packed_bytes_after: What the tokens take in a cache that holds the encoded bytes, and no padding.
    """

    prompts: int = 0
    prompt_tokens: int = 0
    kept_by_layer: list[int] = field(default_factory=list)
    bytes_before: int = 0
    bytes_after: int = 0
    packed_bytes_after: int = 0

    @property
    def kept_tokens(self) -> float:
        """Tokens that stayed, as a mean over the layers."""
        return sum(self.kept_by_layer) / len(self.kept_by_layer) if self.kept_by_layer else 0.0

    def count(self, layers: Sequence[PressedLayer], before: int, after: int, quantizer: KVQuantizer | None) -> None:
        """Add the prompts of a batch, whose cache took `before` bytes and now takes `after`."""
        self.prompts += layers[0].lengths.shape[0]
        self.prompt_tokens += int(layers[0].lengths.sum())
        self.kept_by_layer = self.kept_by_layer or [0] * len(layers)
        for index, layer in enumerate(layers):
            self.kept_by_layer[index] += int(layer.valid.sum())
        self.bytes_before += before
        self.bytes_after += after
        self.packed_bytes_after += sum(layer.packed_bytes(quantizer) for layer in layers)
