"""`h2o`: keep the positions that received most attention, and the newest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lottery_plugins.compression.kv.base import Press, newest_first
from lottery_plugins.errors import BackendError, ConfigError
from lottery_plugins.protocols.kv_cache import LayerView
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    import torch

__all__ = ["H2O"]


@dataclass(frozen=True, slots=True, kw_only=True)
class H2O(Press):
    """Keep the heavy hitters, which received most attention from all queries so far, and the newest positions.

    Args:
        recent: Share of the kept positions that are the newest, rounded up; the others are heavy hitters.

    Other options: see `base.Press`.

    Cost: the attention of all queries is computed a second time, O(heads * seq_len ** 2 * head_dim) per layer and
        prompt: about the attention of a prefill, without a fast kernel.
    Source: Zhang et al. 2023, arXiv:2306.14048.
    Deviations: the paper drops one position at every generated token; here they are dropped at the end of the prompt
        and at intervals. Heads that share keys decide together, by the mean of what they attend to. Sums that round to
        the same 12 bits are ties, and the earlier position stays.
    """

    name: ClassVar[str] = "h2o"
    summary: ClassVar[str] = "Keep the cached positions that received most attention, and the newest."
    source: ClassVar[str] = "Zhang et al. 2023, arXiv:2306.14048"
    needs_mass: ClassVar[bool] = True

    recent: float = option(0.5, "of the kept positions, the newest", unit="fraction", allowed="[0, 1)")

    def check(self) -> None:
        """Refuse a share outside [0, 1)."""
        if isinstance(self.recent, bool) or not 0 <= self.recent < 1:
            raise ConfigError(self.where("recent"), self.recent, "a number in [0, 1)", "0.5: as many as heavy hitters.")

    def score(self, view: LayerView) -> torch.Tensor:
        """The attention received, to 12 bits, and the newest above all, (batch, kv_heads, seq_len)."""
        from lottery_plugins.attention_math import rounded

        if view.mass is None:
            raise BackendError(f"compression: {self.name}", "was given no attention", "Serve what `demands` says.")
        recent = (self.kept_of_cached(view) * self.recent).ceil().long()  # (batch,)
        return newest_first(rounded(view.mass), recent)
