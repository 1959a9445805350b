"""`key-norm`: keep the cached positions whose keys are short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lottery_plugins.compression.checks import check_ratio
from lottery_plugins.protocols.compression import Stage
from lottery_plugins.protocols.kv_cache import LayerView
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    import torch

__all__ = ["KeyNorm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyNorm:
    """Keep, in each layer and head, the positions whose keys have the smallest L2 norm.

    Needs neither attention weights nor a second forward pass. Blind to the query.

    Args:
        compression_ratio: Fraction of the prompt's positions removed, in [0, 1).

    Raises:
        ConfigError: If compression_ratio is outside [0, 1).

    Cost: O(seq_len * head_dim) per layer, once per prompt.
    Source: Devoto et al. 2024, arXiv:2406.11430.
    Deviations: all layers are compressed; the paper leaves the first ones alone in some experiments. Norms that round
        to the same 12 bits are ties, and the earlier position stays: a repeated word has equal keys in the first layer,
        and rounding errors, which depend on the batch, must not decide which of them is kept.
    """

    name: ClassVar[str] = "key-norm"
    summary: ClassVar[str] = "Drop cached positions with long keys, at the end of prefill."
    stage: ClassVar[Stage] = "kv-cache"
    order: ClassVar[int] = 30
    source: ClassVar[str] = "Devoto et al. 2024, arXiv:2406.11430"

    compression_ratio: float = option(0.5, "prompt positions dropped", unit="fraction removed", allowed="[0, 1)")

    def __post_init__(self) -> None:
        check_ratio("compression: key-norm.compression_ratio", self.compression_ratio)

    def score(self, view: LayerView) -> torch.Tensor:
        """Minus the norm of each key, to 12 bits, (batch, kv_heads, seq_len)."""
        import torch

        mantissa, exponent = torch.frexp(view.keys.float().norm(dim=-1))
        return -torch.ldexp((mantissa * 4096).round() / 4096, exponent)
