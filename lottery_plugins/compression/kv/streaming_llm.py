"""`streaming-llm`: keep the first positions and the newest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lottery_plugins.compression.checks import check_at_least, check_ratio
from lottery_plugins.protocols.compression import Stage, removed_count
from lottery_plugins.protocols.kv_cache import LayerView
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    import torch

__all__ = ["StreamingLLM"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamingLLM:
    """Keep the first few positions, which attention uses as a sink, and the newest; drop the middle.

    Args:
        compression_ratio: Fraction of the prompt's positions removed, in [0, 1).
        num_sinks: First positions kept; at most half of what is kept, so that a short prompt keeps its end.

    Raises:
        ConfigError: If an option is outside its range.

    Cost: none to speak of.
    Source: Xiao et al. 2023, arXiv:2309.17453.
    Deviation: once, at the end of prefill, instead of a window rolling while decoding; positions are not renumbered, so
        prompts longer than the model's window do not become possible.
    """

    name: ClassVar[str] = "streaming-llm"
    summary: ClassVar[str] = "Keep the first and the newest cached positions, at the end of prefill."
    stage: ClassVar[Stage] = "kv-cache"
    order: ClassVar[int] = 30
    source: ClassVar[str] = "Xiao et al. 2023, arXiv:2309.17453"

    compression_ratio: float = option(0.5, "prompt positions dropped", unit="fraction removed", allowed="[0, 1)")
    num_sinks: int = option(4, "first positions kept", unit="tokens", allowed=">= 0")

    def __post_init__(self) -> None:
        check_ratio("compression: streaming-llm.compression_ratio", self.compression_ratio)
        check_at_least("compression: streaming-llm.num_sinks", self.num_sinks, 0)

    def score(self, view: LayerView) -> torch.Tensor:
        """Later is better, and the sinks are best; (batch, kv_heads, seq_len), the same for all heads."""
        import torch

        position = view.valid.cumsum(dim=1) - 1  # (batch, seq_len), counted from each row's first token
        sinks = view.valid.new_tensor([self._sinks(n) for n in view.valid.sum(dim=1).tolist()], dtype=torch.long)
        score = torch.where(position < sinks[:, None], position + view.valid.shape[1], position)
        return score.float()[:, None].expand(-1, view.keys.shape[1], -1)

    def _sinks(self, length: int) -> int:
        kept = length - removed_count(length, self.compression_ratio)
        return min(self.num_sinks, kept // 2)
