"""`magnitude`: pruning by weight magnitude alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lottery_plugins.compression.checks import check_one_of
from lottery_plugins.compression.weights.pruning import Pruning, with_weight
from lottery_plugins.protocols.compression import CalibrationData
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Magnitude"]


@dataclass(frozen=True, kw_only=True)
class Magnitude(Pruning):
    """Set to zero the weights with the smallest |weight|: the baseline of every pruning method. Uses no data.

    Acts on the linear layers of the decoder, each by itself. Zeros are stored densely: no byte is saved.

    Args:
        sparsity: See `Pruning`.
        pattern: See `Pruning`.
        scope: Weights are compared within a "layer", so that rows of small weights lose more, or within each output
            "row". A pattern compares within its M columns, whatever the scope.

    Raises:
        ConfigError: If a value is outside its range, or sparsity and pattern disagree.

    Cost: a sort of the weights.
    Source: Han et al. 2015, arXiv:1506.02626.
    """

    name: ClassVar[str] = "magnitude"
    summary: ClassVar[str] = "Prune the smallest weights; no data."
    needs_calibration: ClassVar[bool] = False
    source: ClassVar[str] = "Han et al. 2015, arXiv:1506.02626"

    scope: str = option("layer", "where weights are compared", allowed="'layer' or 'row'")

    def __post_init__(self) -> None:
        self.check_pruning()
        check_one_of("compression: magnitude.scope", self.scope, ("layer", "row"))

    def compress(self, model: Any, calibration: CalibrationData | None = None) -> Any:
        """A model with pruned weights of its own; it shares all other tensors with the given one."""
        from lottery_plugins.compression.structure import replace_linears, structural_clone

        return replace_linears(model, self._pruned, self.name) if self.sparsity else structural_clone(model)

    def _pruned(self, path: str, linear: nn.Linear) -> nn.Module:
        self.check_fit(path, linear.in_features)
        weight = linear.weight.detach()
        score = weight.float().abs()
        score = score.flatten()[None] if self.scope == "layer" and not self.pattern else score
        return with_weight(linear, weight.masked_fill(self.lowest(score).view_as(weight), 0))
