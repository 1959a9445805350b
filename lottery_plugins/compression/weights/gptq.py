"""`gptq`: weights rounded column by column, the other columns making up for the error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lottery_plugins.compression.calibration import Calibrated
from lottery_plugins.compression.checks import check_positive
from lottery_plugins.compression.weights.quantizing import Quantizing
from lottery_plugins.protocols.compression import CalibrationData
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    import torch
    from torch import nn

    from lottery_plugins.compression.weights.input_statistics import InputGram
    from lottery_plugins.compression.weights.rounding import Grid

__all__ = ["GPTQ"]

_BLOCK = 32  # columns brought up to date at once; changes only the time


@dataclass(frozen=True, kw_only=True)
class GPTQ(Calibrated, Quantizing):
    """Round one input column after the other; the columns still to come are changed so that the outputs stay.

    Runs calibration text through the model layer by layer: a layer sees inputs from layers already quantized. Weights
    that are exactly zero stay so.

    Args:
        bits: See `Quantizing`, here and below.
        group_size: Columns that share a scale.
        symmetric: Whether the grid's middle is at 0.
        act_order: Whether columns with the largest inputs come first, while most others can still make up for them.
        damping: Added to the diagonal of the inputs' products, as a fraction of its mean. More of it trusts the
            calibration text less.
        num_calibration: See `Calibrated`, here and below.
        sequence_length: Tokens of each sequence.
        calibration: The text.
        calibration_seed: Draws documents and windows.

    Raises:
        ConfigError: If a value is outside its range, or damping is too small.

    Cost: bits + 24 / group_size bits a weight. Two forward passes over num_calibration * sequence_length tokens, and
        O(rows * cols^2) for each matrix.
    Source: Frantar et al. 2022, arXiv:2210.17323.
    Deviation: the grid of a group is found before any column is rounded, as llmcompressor and the paper's code with
        `static_groups` do, so that groups are runs of columns in every order. Inputs that are always zero are not
        treated apart.
    """

    name: ClassVar[str] = "gptq"
    summary: ClassVar[str] = (
        "Weights of 2 to 8 bits, rounded column by column against the error, with calibration text."
    )
    needs_calibration: ClassVar[bool] = True
    source: ClassVar[str] = "Frantar et al. 2022, arXiv:2210.17323"

    act_order: bool = option(True, "whether columns with large inputs come first")
    damping: float = option(0.01, "trust in the mean rather than the text", allowed="above 0")

    def __post_init__(self) -> None:
        self.check_quantizing()
        self.check_calibration()
        check_positive("compression: gptq.damping", self.damping)

    def compress(self, model: Any, calibration: CalibrationData | None) -> Any:
        """A model whose linear layers store packed weights; it shares all other tensors with the given one."""
        from lottery_plugins.compression.weights.input_statistics import InputGram
        from lottery_plugins.compression.weights.layerwise import change_linears

        return change_linears(model, calibration, InputGram, self._quantized, self.name)

    def _quantized(self, path: str, linear: nn.Linear, seen: InputGram) -> nn.Module:
        from lottery_plugins.compression.weights.rounding import find_grid, packed

        weight = linear.weight.detach().float()
        grid = find_grid(weight, self.bits, self.group_size, symmetric=self.symmetric)
        where = f"compression: gptq.damping, {path}"
        return packed(linear, self.levels(weight, seen.gram, grid, where), grid)

    def levels(self, weight: torch.Tensor, gram: torch.Tensor, grid: Grid, where: str) -> torch.Tensor:
        """The levels of a weight matrix, (rows, cols).

        Args:
            weight: (rows, cols) float32.
            gram: Of its inputs, (cols, cols).
            grid: Where the levels lie.
            where: Method and layer, for messages.
        """
        import torch

        from lottery_plugins.compression.weights.optimal_brain import inverse_root, sweep
        from lottery_plugins.compression.weights.rounding import nearest

        cols = weight.shape[1]
        order = torch.arange(cols, device=weight.device)
        if self.act_order:
            order = gram.diagonal().argsort(descending=True, stable=True)
        root = inverse_root(gram[order][:, order], self.damping, where)
        grid = grid.of_columns(order)
        scale, zero = grid.scale.t().contiguous(), grid.zero.t().contiguous()  # (cols, rows)
        weight = weight[:, order]
        pruned = (weight == 0).t().contiguous()  # stays so
        levels = torch.empty_like(zero)

        def settle(block: torch.Tensor, start: int, index: int) -> torch.Tensor:
            at = start + index
            level = nearest(block[index], scale[at], zero[at], grid.bits)
            levels[at] = torch.where(pruned[at], zero[at], level)
            return (levels[at] - zero[at]) * scale[at]

        sweep(weight, root, settle, _BLOCK)
        return torch.empty_like(levels).index_copy_(0, order, levels).t()
