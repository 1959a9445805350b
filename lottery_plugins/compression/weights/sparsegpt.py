"""`sparsegpt`: pruning column by column, the other weights making up for what goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lottery_plugins.compression.calibration import Calibrated
from lottery_plugins.compression.checks import check_positive
from lottery_plugins.compression.weights.pruning import Pruning, with_weight
from lottery_plugins.protocols.compression import CalibrationData
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    import torch
    from torch import nn

    from lottery_plugins.compression.weights.input_statistics import InputGram

__all__ = ["SparseGPT"]

_BLOCK = 128  # columns among which unstructured weights are compared, as in the paper's code


@dataclass(frozen=True, kw_only=True)
class SparseGPT(Calibrated, Pruning):
    """Prune one input column after the other; the columns to its right are changed so that the outputs stay.

    Unstructured weights are compared within blocks of 128 columns, rows together; of a pattern, within M columns of a
    row. Runs calibration text through the model layer by layer. Zeros are stored densely: no byte is saved.

    Args:
        sparsity: See `Pruning`; of each block.
        pattern: See `Pruning`.
        damping: Added to the diagonal of the inputs' products, as a fraction of its mean. More of it trusts the
            calibration text less.
        num_calibration: See `Calibrated`, here and below.
        sequence_length: Tokens of each sequence.
        calibration: The text.
        calibration_seed: Draws documents and windows.

    Raises:
        ConfigError: If a value is outside its range, sparsity and pattern disagree, or damping is too small.

    Cost: two forward passes over num_calibration * sequence_length tokens, and O(rows * cols^2) for each matrix.
    Source: Frantar and Alistarh 2023, arXiv:2301.00774.
    Deviation: inputs that are always zero are not treated apart; damping makes their weights go first. The count in a
        block is rounded down, where the paper's code removes one more.
    """

    name: ClassVar[str] = "sparsegpt"
    summary: ClassVar[str] = "Prune weights column by column, the others making up for it, with calibration text."
    source: ClassVar[str] = "Frantar and Alistarh 2023, arXiv:2301.00774"

    damping: float = option(0.01, "trust in the mean rather than the text", allowed="above 0")

    def __post_init__(self) -> None:
        self.check_pruning()
        self.check_calibration()
        check_positive("compression: sparsegpt.damping", self.damping)

    @property
    def needs_calibration(self) -> bool:
        """Not where nothing is removed."""
        return self.sparsity > 0

    def compress(self, model: Any, calibration: CalibrationData | None) -> Any:
        """A model with pruned weights of its own; it shares all other tensors with the given one."""
        from lottery_plugins.compression.structure import structural_clone
        from lottery_plugins.compression.weights.input_statistics import InputGram
        from lottery_plugins.compression.weights.layerwise import change_linears

        if not self.sparsity:
            return structural_clone(model)
        return change_linears(model, calibration, InputGram, self._pruned, self.name)

    def _pruned(self, path: str, linear: nn.Linear, seen: InputGram) -> nn.Module:
        from lottery_plugins.compression.weights.optimal_brain import inverse_root

        self.check_fit(path, linear.in_features)
        root = inverse_root(seen.gram, self.damping, f"compression: sparsegpt.damping, {path}")
        return with_weight(linear, self.pruned_weight(linear.weight.detach().float(), root))

    def pruned_weight(self, weight: torch.Tensor, root: torch.Tensor) -> torch.Tensor:
        """The pruned weight, (rows, cols), from the weight and the root of its inputs (see `optimal_brain`)."""
        import torch

        from lottery_plugins.compression.weights.optimal_brain import sweep

        of = self.kept_of[1]
        block_size = _BLOCK // of * of or of if of else _BLOCK  # whole patterns
        diagonal = root.diagonal()
        mask = torch.zeros_like(weight.t(), dtype=torch.bool)  # (cols, rows)

        def settle(block: torch.Tensor, start: int, index: int) -> torch.Tensor:
            width = of or len(block)
            if index % width == 0:  # decided when its first column is due
                chosen = slice(start + index, start + index + width)
                score = (block[index : index + width].t() / diagonal[chosen]).square()  # (rows, width)
                mask[chosen] = self.lowest(score if of else score.flatten()[None]).view_as(score).t()
            return block[index].masked_fill(mask[start + index], 0)

        return sweep(weight, root, settle, block_size)
