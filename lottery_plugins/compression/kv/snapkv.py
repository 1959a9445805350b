"""`snapkv`: keep the cached positions that the last tokens of the prompt attend to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lottery_plugins.compression.checks import check_at_least
from lottery_plugins.compression.kv.base import Press, newest_first
from lottery_plugins.errors import BackendError, ConfigError
from lottery_plugins.protocols.kv_cache import LayerView
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    import torch

__all__ = ["SnapKV"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapKV(Press):
    """Keep the positions that the last tokens, the window, attend to most, smoothed along the text; and the window.

    Args:
        window: Last tokens whose attention counts, and which stay. Where fewer positions are kept, the window is the
            newest half of them.
        kernel: Neighbouring positions over which attention is averaged, so that what surrounds an attended word stays
            with it; odd.

    Other options: see `base.Press`.

    Cost: the attention of the window's queries, O(heads * window * seq_len * head_dim) per layer, each time positions
        are dropped.
    Source: Li et al. 2024, arXiv:2404.14469.
    Deviations: heads that share keys decide together, by the mean of what they attend to. Means that round to the same
        12 bits are ties, and the earlier position stays. Prompts of any length are compressed; the paper leaves short
        ones alone.
    """

    name: ClassVar[str] = "snapkv"
    summary: ClassVar[str] = "Keep the cached positions that the last tokens of the prompt attend to."
    source: ClassVar[str] = "Li et al. 2024, arXiv:2404.14469"

    window: int = option(32, "last tokens whose attention counts", unit="tokens", allowed=">= 1")
    kernel: int = option(5, "neighbours averaged over", unit="tokens", allowed="an odd number >= 1")

    def check(self) -> None:
        """Refuse an empty window and an even kernel."""
        check_at_least(self.where("window"), self.window, 1)
        check_at_least(self.where("kernel"), self.kernel, 1)
        if self.kernel % 2 == 0:
            raise ConfigError(self.where("kernel"), self.kernel, "an odd number", "As many neighbours on both sides.")

    @property
    def num_queries(self) -> int:
        """Those of the window."""
        return self.window

    def score(self, view: LayerView) -> torch.Tensor:
        """The window's mean attention, smoothed, to 12 bits, and the window above all: (batch, kv_heads, seq_len)."""
        import torch

        from lottery_plugins.attention_math import attention_probabilities, rounded

        if view.queries is None:
            raise BackendError(f"compression: {self.name}", "was given no queries", "Serve what `demands` says.")
        kept = self.kept_of_cached(view)
        window = torch.where(kept >= self.window, self.window, (kept // 2).clamp(min=1))  # (batch,)
        probability = attention_probabilities(view.queries, view.keys, view.scaling, view.valid)
        num_queries, seq_len = probability.shape[-2:]
        in_window = torch.arange(num_queries, device=kept.device) >= num_queries - window[:, None]  # (batch, queries)
        weight = in_window.float() / window[:, None]
        attention = (probability * weight[:, None, None, :, None]).sum(dim=3).mean(dim=2)  # (batch, kv_heads, seq_len)
        is_older = torch.arange(seq_len, device=kept.device) < seq_len - window[:, None]
        smooth = torch.nn.functional.avg_pool1d(
            attention * is_older[:, None], self.kernel, stride=1, padding=self.kernel // 2
        )
        return newest_first(rounded(smooth), window)
