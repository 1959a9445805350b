"""What pruning methods share: how much is removed, N:M patterns, and choosing the lowest scores."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lottery_plugins.compression.checks import check_ratio
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import Stage, removed_count
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["Pruning", "with_weight"]


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """The options of a method that sets weights to zero. Zeros are stored densely, and the ledger says so.

    Args:
        sparsity: Fraction removed, rounded down to whole weights, in [0, 1).
        pattern: "N:M" keeps N of every M consecutive inputs; "2of4" means the same and needs no colon. Then sparsity
            must be 1 - N/M, or 0 for no pruning at all. Empty: any weight may go.
    """

    name: ClassVar[str]
    stage: ClassVar[Stage] = "weights"
    order: ClassVar[int] = 10

    sparsity: float = option(0.5, "weights set to zero", unit="fraction removed", allowed="[0, 1)")
    pattern: str = option("", "N kept of every M inputs; empty for unstructured", allowed="'2:4', '4:8', '2of4', ...")

    def check_pruning(self) -> None:
        """Refuse values outside their range, and a sparsity that is not the pattern's.

        Raises:
            ConfigError: Naming the option.
        """
        check_ratio(f"compression: {self.name}.sparsity", self.sparsity)
        kept, of = self.kept_of
        if of and self.sparsity and abs(self.sparsity - (1 - kept / of)) > 1e-9:
            hint = f"Pattern {self.pattern!r} removes {1 - kept / of:g}; write the same sparsity."
            raise ConfigError(f"compression: {self.name}.sparsity", self.sparsity, f"{1 - kept / of:g}", hint)

    @property
    def kept_of(self) -> tuple[int, int]:
        """N and M of the pattern; 0, 0 without one."""
        if not self.pattern:
            return 0, 0
        match = re.fullmatch(r"(\d+)(?::|of)(\d+)", self.pattern)
        kept, of = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 0 < kept < of:
            allowed = "N:M with 0 < N < M, such as '2:4'"
            raise ConfigError(f"compression: {self.name}.pattern", self.pattern, allowed, "N of every M are kept.")
        return kept, of

    def check_fit(self, path: str, cols: int) -> None:
        """Refuse a pattern that the columns of a layer are no multiple of.

        Raises:
            ConfigError: Naming the layer.
        """
        of = self.kept_of[1]
        if of and cols % of:
            hint = f"The input size of {path} is {cols}; choose an M that divides it."
            raise ConfigError(
                f"compression: {self.name}.pattern", self.pattern, "a pattern that fits every layer", hint
            )

    def lowest(self, score: torch.Tensor) -> torch.Tensor:
        """Mark what goes: of every M columns, or the lowest of each row; of equals the first.

        Args:
            score: (rows, cols).

        Returns:
            Bool of (rows, cols).
        """
        kept, of = self.kept_of
        grouped = score.unflatten(1, (-1, of)) if of else score  # compared within the last axis
        removed = of - kept if of else removed_count(score.shape[1], self.sparsity)
        lowest = grouped.sort(dim=-1, stable=True).indices[..., :removed]
        return grouped.new_zeros(grouped.shape, dtype=bool).scatter_(-1, lowest, True).view_as(score)


def with_weight(linear: nn.Linear, weight: torch.Tensor) -> nn.Linear:
    """Give a layer another weight; the old tensor, which the original model holds, is left as it is."""
    from torch import nn

    linear.weight = nn.Parameter(weight.to(linear.weight.dtype), requires_grad=False)
    return linear
