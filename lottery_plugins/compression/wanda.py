"""`wanda`: pruning by weight magnitude times input norm."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lottery_plugins.compression.checks import check_at_least, check_ratio
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import CalibrationData, Stage, removed_count
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["Wanda"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanda:
    """Set to zero the weights with the smallest |weight| * norm of their input, compared within each output row.

    Runs calibration text through the model layer by layer: a layer sees inputs from layers already pruned. Acts on the
    linear layers of the decoder. Zeros are stored densely: no byte is saved, and the ledger says so.

    Args:
        sparsity: Fraction of each row removed, rounded down to whole weights, in [0, 1).
        pattern: "N:M" keeps the N best of every M consecutive inputs; "2of4" means the same and needs no colon. Then
            sparsity must be 1 - N/M. Empty: any weight of a row may go.
        num_calibration: Sequences of calibration text.
        sequence_length: Tokens of each sequence.
        calibration: "bundled", or the path of a UTF-8 text file.

    Raises:
        ConfigError: If a value is outside its range, or sparsity and pattern disagree.

    Cost: two forward passes over num_calibration * sequence_length tokens, and a sort of every row.
    Source: Sun et al. 2023, arXiv:2306.11695.
    """

    name: ClassVar[str] = "wanda"
    summary: ClassVar[str] = "Prune weights by magnitude times input norm, with calibration text."
    stage: ClassVar[Stage] = "weights"
    order: ClassVar[int] = 10
    needs_calibration: ClassVar[bool] = True
    source: ClassVar[str] = "Sun et al. 2023, arXiv:2306.11695"

    sparsity: float = option(0.5, "weights set to zero", unit="fraction removed", allowed="[0, 1)")
    pattern: str = option("", "N kept of every M inputs; empty for unstructured", allowed="'2:4', '4:8', '2of4', ...")
    num_calibration: int = option(16, "sequences of calibration text", unit="sequences", allowed=">= 1")
    sequence_length: int = option(128, "length of each sequence", unit="tokens", allowed=">= 2")
    calibration: str = option("bundled", "calibration text", allowed="'bundled' or the path of a text file")

    def __post_init__(self) -> None:
        check_ratio("compression: wanda.sparsity", self.sparsity)
        check_at_least("compression: wanda.num_calibration", self.num_calibration, 1)
        check_at_least("compression: wanda.sequence_length", self.sequence_length, 2)
        kept, of = self._kept_of()
        if of and abs(self.sparsity - (1 - kept / of)) > 1e-9:
            hint = f"Pattern {self.pattern!r} removes {1 - kept / of:g}; write the same sparsity."
            raise ConfigError("compression: wanda.sparsity", self.sparsity, f"{1 - kept / of:g}", hint)

    def compress(self, model: Any, calibration: CalibrationData | None) -> Any:
        """A model with pruned weights of its own; it shares all other tensors with the given one."""
        from lottery_plugins.compression.layerwise import compress_layer_by_layer
        from lottery_plugins.compression.structure import structural_clone

        clone = structural_clone(model)
        if self.sparsity == 0:
            return clone
        if calibration is None:
            raise ConfigError("compression: wanda", None, "calibration data", "Let `compression.apply` make it.")
        squares: dict[str, torch.Tensor] = {}

        def observe(path: str, _: nn.Linear, inputs: torch.Tensor) -> None:
            total = inputs.float().square().sum(dim=0)  # (cols,)
            squares[path] = squares[path] + total if path in squares else total

        def change(path: str, linear: nn.Linear) -> None:
            if path not in squares:  # an expert that no calibration token reached: plain magnitude
                squares[path] = linear.weight.new_ones(linear.in_features, dtype=linear.weight.dtype).float()
            self._prune(path, linear, squares.pop(path).sqrt())

        compress_layer_by_layer(clone, calibration, observe, change, self.name)
        return clone

    def _prune(self, path: str, linear: nn.Linear, input_norm: torch.Tensor) -> None:
        """Give a linear layer a pruned weight; the old tensor, which the original model holds, is left as it is."""
        from torch import nn

        weight = linear.weight.detach()
        score = weight.float().abs() * input_norm  # (rows, cols)
        kept, of = self._kept_of()
        if of and linear.in_features % of:
            hint = f"The input size of {path} is {linear.in_features}; choose an M that divides it."
            raise ConfigError("compression: wanda.pattern", self.pattern, "a pattern that fits every layer", hint)
        grouped = score.unflatten(1, (-1, of)) if of else score  # compared within the last axis
        removed = of - kept if of else removed_count(linear.in_features, self.sparsity)
        lowest = grouped.sort(dim=-1, stable=True).indices[..., :removed]
        mask = grouped.new_zeros(grouped.shape, dtype=bool).scatter_(-1, lowest, True).view_as(weight)
        linear.weight = nn.Parameter(weight.masked_fill(mask, 0), requires_grad=False)

    def _kept_of(self) -> tuple[int, int]:
        """N and M of the pattern; 0, 0 without one."""
        if not self.pattern:
            return 0, 0
        match = re.fullmatch(r"(\d+)(?::|of)(\d+)", self.pattern)
        kept, of = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 0 < kept < of:
            allowed = "N:M with 0 < N < M, such as '2:4'"
            raise ConfigError("compression: wanda.pattern", self.pattern, allowed, "N of every M weights are kept.")
        return kept, of
