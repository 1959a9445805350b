"""What is kept of the inputs that a linear layer sees while calibration text runs through the model."""

from __future__ import annotations

from typing import Protocol

import torch

__all__ = ["InputGram", "InputNorm", "InputStatistic"]


class InputStatistic(Protocol):
    """Sums over tokens; made once for all layers that are given the same input.

    Attributes:
        num_tokens: Inputs seen; 0 for an expert that no token reached.
    """

    num_tokens: int

    def __init__(self, cols: int, device: torch.device) -> None: ...

    def add(self, inputs: torch.Tensor) -> None:
        """Take in inputs of (tokens, cols)."""


class InputNorm:
    """The L2 norm of each input column over all tokens."""

    def __init__(self, cols: int, device: torch.device) -> None:
        self.num_tokens = 0
        self._squares = torch.zeros(cols, device=device)

    def add(self, inputs: torch.Tensor) -> None:
        """Take in inputs of (tokens, cols)."""
        self.num_tokens += len(inputs)
        self._squares += inputs.float().square().sum(dim=0)

    @property
    def norm(self) -> torch.Tensor:
        """(cols,); ones where no token came."""
        return self._squares.sqrt() if self.num_tokens else torch.ones_like(self._squares)


class InputGram:
    """The products of all pairs of input columns, and each column's magnitude, as means over tokens."""

    def __init__(self, cols: int, device: torch.device) -> None:
        self.num_tokens = 0
        self._gram = torch.zeros(cols, cols, device=device)
        self._magnitude = torch.zeros(cols, device=device)

    def add(self, inputs: torch.Tensor) -> None:
        """Take in inputs of (tokens, cols)."""
        self.num_tokens += len(inputs)
        inputs = inputs.float()
        self._gram.addmm_(inputs.t(), inputs)
        self._magnitude += inputs.abs().sum(dim=0)

    @property
    def gram(self) -> torch.Tensor:
        """(cols, cols); the identity where no token came, or all inputs were zero."""
        if not self._magnitude.any():
            return torch.eye(len(self._gram), device=self._gram.device)
        return self._gram / self.num_tokens

    @property
    def magnitude(self) -> torch.Tensor:
        """Mean of |input|, (cols,)."""
        return self._magnitude / max(self.num_tokens, 1)
