"""`svd`: every weight matrix as the product of two thin ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lottery_plugins.compression.calibration import Calibrated
from lottery_plugins.compression.checks import check_ratio
from lottery_plugins.protocols.compression import CalibrationData, Stage, removed_count
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    from torch import nn

    from lottery_plugins.compression.weights.input_statistics import InputGram

__all__ = ["SVD"]


@dataclass(frozen=True, kw_only=True)
class SVD(Calibrated):
    """Replace every linear layer of the decoder by the nearest product of two with fewer weights together.

    With `whiten`, near means that outputs on calibration text are near; a layer sees inputs from layers already
    replaced. The factors are linear layers: pruning and quantization after it act on them.

    Args:
        ratio: Fraction of each matrix's weights removed, in [0, 1): its rank becomes the largest with which the factors
            have at most 1 - ratio of them, or 1. A matrix that is smaller than any factors stays as it is.
        whiten: Whether calibration text decides what is near; else the weights alone (and no text is used).
        num_calibration: See `Calibrated`, here and below.
        sequence_length: Tokens of each sequence.
        calibration: The text.
        calibration_seed: Draws documents and windows.

    Raises:
        ConfigError: If a value is outside its range.

    Cost: an eigendecomposition of (rows, rows) for each matrix; with `whiten` two forward passes over the text.
    Source: Wang et al. 2024 (SVD-LLM), arXiv:2403.07378.
    Deviation: the same product is found from the covariance of the outputs, so that no inputs need to be inverted.
    """

    name: ClassVar[str] = "svd"
    summary: ClassVar[str] = "Weight matrices of lower rank, near on calibration text."
    stage: ClassVar[Stage] = "weights"
    order: ClassVar[int] = 8
    source: ClassVar[str] = "Wang et al. 2024, arXiv:2403.07378"

    ratio: float = option(0.2, "weights removed from each matrix", unit="fraction removed", allowed="[0, 1)")
    whiten: bool = option(True, "whether calibration text decides what is near")

    def __post_init__(self) -> None:
        check_ratio("compression: svd.ratio", self.ratio)
        self.check_calibration()

    @property
    def needs_calibration(self) -> bool:
        """Not where nothing is removed, or weights alone decide."""
        return self.ratio > 0 and self.whiten

    def compress(self, model: Any, calibration: CalibrationData | None) -> Any:
        """A model with factors in the place of linear layers; it shares all other tensors with the given one."""
        from lottery_plugins.compression.structure import replace_linears, structural_clone
        from lottery_plugins.compression.weights.input_statistics import InputGram
        from lottery_plugins.compression.weights.layerwise import change_linears

        if not self.ratio:
            return structural_clone(model)
        if not self.whiten:
            return replace_linears(model, self._factored, self.name)
        return change_linears(model, calibration, InputGram, self._factored, self.name)

    def _factored(self, path: str, linear: nn.Linear, seen: InputGram | None = None) -> nn.Module:
        from lottery_plugins.compression.weights.low_rank import low_rank

        rows, cols = linear.weight.shape
        if rows * cols <= rows + cols:
            return linear
        rank = (rows * cols - removed_count(rows * cols, self.ratio)) // (rows + cols)
        return low_rank(linear, max(rank, 1), seen.gram if seen else None)
