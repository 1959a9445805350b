"""`key-norm`: keep the cached positions whose keys are short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lottery_plugins.compression.kv.base import Press
from lottery_plugins.protocols.kv_cache import LayerView

if TYPE_CHECKING:
    import torch

__all__ = ["KeyNorm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyNorm(Press):
    """Keep, in each layer and head, the positions whose keys have the smallest L2 norm.

    Needs neither attention weights nor a second forward pass. Blind to the query. Options: see `base.Press`.

    Cost: O(seq_len * head_dim) per layer, each time positions are dropped.
    Source: Devoto et al. 2024, arXiv:2406.11430.
    Deviations: all layers are compressed; the paper leaves the first ones alone in some experiments. Norms that round
        to the same 12 bits are ties, and the earlier position stays: a repeated word has equal keys in the first layer,
        and rounding errors, which depend on the batch, must not decide which of them is kept.
    """

    name: ClassVar[str] = "key-norm"
    summary: ClassVar[str] = "Drop cached positions with long keys."
    source: ClassVar[str] = "Devoto et al. 2024, arXiv:2406.11430"

    def score(self, view: LayerView) -> torch.Tensor:
        """Minus the norm of each key, to 12 bits, (batch, kv_heads, seq_len)."""
        from lottery_plugins.attention_math import rounded

        return -rounded(view.keys.float().norm(dim=-1))
