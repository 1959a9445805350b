"""`pyramid-kv`: `snapkv` with more positions in the lower layers and fewer in the upper ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.compression.checks import check_at_least
from lottery_plugins.compression.kv.snapkv import SnapKV
from lottery_plugins.protocols.compression import removed_count
from lottery_plugins.protocols.plugin import option

__all__ = ["PyramidKV"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PyramidKV(SnapKV):
    """Rate positions as `snapkv` does; keep a number that falls evenly from the first layer to the last.

    All layers together keep as many as with equal budgets. With a mean of m, the last layer keeps m / beta, but not
    fewer than the window has, and the first layer keeps 2 * m less that, but not more than the text has before the
    window; what one end can't have, the other gets. Means up to the window give equal budgets.

    Args:
        beta: How steep the pyramid is: the mean budget over that of the last layer.

    Other options: see `snapkv.SnapKV` and `base.Press`.

    Source: Cai et al. 2024, arXiv:2406.02069; the budgets as in the authors' KVCache-Factory and in kvpress.
    Deviations: as `snapkv`. Where m / beta is below the window, kvpress falls back to equal budgets; here the last
        layer keeps the window. Budgets are whole numbers with the exact mean.
    """

    name: ClassVar[str] = "pyramid-kv"
    summary: ClassVar[str] = "As snapkv, with budgets that fall from the first layer to the last."
    source: ClassVar[str] = "Cai et al. 2024, arXiv:2406.02069"

    beta: int = option(20, "mean budget over that of the last layer", allowed=">= 1")

    def check(self) -> None:
        """Refuse what `snapkv` refuses, and a pyramid that stands on its head."""
        SnapKV.check(self)  # super() fails in a dataclass with slots
        check_at_least(self.where("beta"), self.beta, 1)

    def kept_in_layer(self, num_tokens: int, layer: int, num_layers: int) -> int:
        """A layer's budget: the lower half is rounded, the upper half has what is left of twice the mean."""
        mean = num_tokens - removed_count(num_tokens, self.compression_ratio)
        last = max(mean / self.beta, self.window)
        first = 2 * mean - last
        if first > num_tokens - self.window:
            first = num_tokens - self.window
            last = 2 * mean - first
        if not first > last or num_layers == 1:
            return mean
        mirrored = num_layers - 1 - layer
        if layer == mirrored:
            return mean
        lower = round(first - min(layer, mirrored) * (first - last) / (num_layers - 1))
        return lower if layer < mirrored else 2 * mean - lower
