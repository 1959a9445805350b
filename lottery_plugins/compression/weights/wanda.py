"""`wanda`: pruning by weight magnitude times input norm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lottery_plugins.compression.calibration import Calibrated
from lottery_plugins.compression.weights.pruning import Pruning, with_weight
from lottery_plugins.protocols.compression import CalibrationData

if TYPE_CHECKING:
    from torch import nn

    from lottery_plugins.compression.weights.input_statistics import InputNorm

__all__ = ["Wanda"]


@dataclass(frozen=True, kw_only=True)
class Wanda(Calibrated, Pruning):
    """Set to zero the weights with the smallest |weight| * norm of their input, compared within each output row.

    Runs calibration text through the model layer by layer: a layer sees inputs from layers already pruned. Acts on the
    linear layers of the decoder. Zeros are stored densely: no byte is saved, and the ledger says so.

    Args:
        sparsity: See `Pruning`; of each row.
        pattern: See `Pruning`.
        num_calibration: See `Calibrated`, here and below.
        sequence_length: Tokens of each sequence.
        calibration: The text.
        calibration_seed: Draws documents and windows.

    Raises:
        ConfigError: If a value is outside its range, or sparsity and pattern disagree.

    Cost: two forward passes over num_calibration * sequence_length tokens, and a sort of every row.
    Source: Sun et al. 2023, arXiv:2306.11695.
    """

    name: ClassVar[str] = "wanda"
    summary: ClassVar[str] = "Prune weights by magnitude times input norm, with calibration text."
    source: ClassVar[str] = "Sun et al. 2023, arXiv:2306.11695"

    def __post_init__(self) -> None:
        self.check_pruning()
        self.check_calibration()

    @property
    def needs_calibration(self) -> bool:
        """Not where nothing is removed."""
        return self.sparsity > 0

    def compress(self, model: Any, calibration: CalibrationData | None) -> Any:
        """A model with pruned weights of its own; it shares all other tensors with the given one."""
        from lottery_plugins.compression.structure import structural_clone
        from lottery_plugins.compression.weights.input_statistics import InputNorm
        from lottery_plugins.compression.weights.layerwise import change_linears

        if not self.sparsity:
            return structural_clone(model)
        return change_linears(model, calibration, InputNorm, self._pruned, self.name)

    def _pruned(self, path: str, linear: nn.Linear, seen: InputNorm) -> nn.Module:
        """An expert that no token reached has norms of one: plain magnitude."""
        self.check_fit(path, linear.in_features)
        weight = linear.weight.detach()
        return with_weight(linear, weight.masked_fill(self.lowest(weight.float().abs() * seen.norm), 0))
