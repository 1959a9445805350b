"""`streaming-llm`: keep the first few positions and the newest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lottery_plugins.compression.checks import check_at_least
from lottery_plugins.compression.kv.base import Press
from lottery_plugins.protocols.kv_cache import LayerView
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    import torch

__all__ = ["StreamingLLM"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamingLLM(Press):
    """Keep the attention sinks at the start of the text, and the newest positions.

    Args:
        num_sinks: First positions kept. When more than half of the kept positions would be sinks, half are.

    Other options: see `base.Press`.

    Cost: none beyond copying what is kept.
    Source: Xiao et al. 2023, arXiv:2309.17453.
    Deviation: keys keep the rotary positions they were computed with; the paper counts positions within the cache.
    """

    name: ClassVar[str] = "streaming-llm"
    summary: ClassVar[str] = "Keep the first few and the newest cached positions."
    source: ClassVar[str] = "Xiao et al. 2023, arXiv:2309.17453"

    num_sinks: int = option(4, "first positions kept", unit="tokens", allowed=">= 0")

    def check(self) -> None:
        """Refuse a number of sinks below 0."""
        check_at_least(self.where("num_sinks"), self.num_sinks, 0)

    def score(self, view: LayerView) -> torch.Tensor:
        """Newest, first sink, second newest, second sink, and so on: (batch, kv_heads, seq_len), alike in all heads.

        In that order any number of kept positions has its share of sinks.
        """
        import torch

        seq_len = view.valid.shape[1]
        from_start = view.valid.cumsum(dim=1) - 1  # (batch, seq_len), counted from each row's first token
        from_end = torch.arange(seq_len - 1, -1, -1, device=view.valid.device)  # (seq_len,)
        newest = from_end + from_end.clamp(max=self.num_sinks)  # ranks 0, 2, 4, ... and without gaps after the sinks
        sink = torch.where(from_start < self.num_sinks, 2 * from_start + 1, newest)
        score = -torch.minimum(newest, sink).float()
        return score[:, None].expand(-1, view.keys.shape[1], -1)
