"""`tova`: keep the cached positions that the last token attends to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lottery_plugins.compression.kv.base import Press, newest_first
from lottery_plugins.errors import BackendError
from lottery_plugins.protocols.kv_cache import LayerView

if TYPE_CHECKING:
    import torch

__all__ = ["TOVA"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TOVA(Press):
    """Keep the positions that the last query attends to most, as a mean over all heads of a layer.

    All heads of a layer keep the same positions. Options: see `base.Press`.

    Cost: one query's attention per layer, O(heads * seq_len * head_dim), each time positions are dropped.
    Source: Oren et al. 2024, arXiv:2401.06104.
    Deviations: the paper drops one position at every generated token; here they are dropped at the end of the prompt
        and at intervals. The last position always stays. Weights that round to the same 12 bits are ties, and the
        earlier position stays.
    """

    name: ClassVar[str] = "tova"
    summary: ClassVar[str] = "Keep the cached positions that the last token attends to."
    source: ClassVar[str] = "Oren et al. 2024, arXiv:2401.06104"

    @property
    def num_queries(self) -> int:
        """The last one."""
        return 1

    def score(self, view: LayerView) -> torch.Tensor:
        """The last query's attention, to 12 bits, (batch, kv_heads, seq_len), alike in all heads."""
        from lottery_plugins.attention_math import attention_probabilities, rounded

        if view.queries is None:
            raise BackendError(f"compression: {self.name}", "was given no queries", "Serve what `demands` says.")
        probability = attention_probabilities(view.queries[:, :, -1:], view.keys, view.scaling, view.valid)
        score = rounded(probability.flatten(1, 3).mean(dim=1))  # (batch, seq_len)
        last = view.valid.new_ones(score.shape[0]).long()
        return newest_first(score[:, None].expand(-1, view.keys.shape[1], -1), last)
