"""Root-mean-square norms as the one PyTorch function that they are, where it gives the same to the bit.

transformers writes them as six operations. Each has a price of its own, which counts in a step of few tokens.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

__all__ = ["FastNorm", "replace_norms"]

_TOKENS = 7  # of the trial
_EPS_NAMES = ("variance_epsilon", "eps")


class FastNorm(nn.Module):  # type: ignore[misc]  # torch is not followed
    """x / sqrt(mean(x^2) + eps) * weight over the last dimension.

    Args:
        weight: Shared with the given model, (features,).
        eps: Added to the mean square.
    """

    def __init__(self, weight: nn.Parameter, eps: float) -> None:
        super().__init__()
        self.weight, self._eps, self._shape = weight, eps, tuple(weight.shape)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """(..., features) to the same."""
        return nn.functional.rms_norm(states, self._shape, self.weight, self._eps)


def replace_norms(clone: Any) -> int:
    """Put the function in the place of each module of a structural clone that gives the same bits.

    Returns:
        How many were replaced.
    """
    replaced = 0
    for path, module in list(clone.named_modules()):
        fast = _fast(module)
        if fast is not None:
            parent, _, name = path.rpartition(".")
            setattr(clone.get_submodule(parent), name, fast)
            replaced += 1
    return replaced


def _fast(module: nn.Module) -> FastNorm | None:
    """The function for a norm; None for what is none, or computes otherwise (some add 1 to their weight)."""
    weight = getattr(module, "weight", None)
    eps = next((getattr(module, name) for name in _EPS_NAMES if hasattr(module, name)), None)
    if not type(module).__name__.endswith("RMSNorm") or weight is None or weight.ndim != 1 or eps is None:
        return None
    fast = FastNorm(weight, eps)
    states = torch.randn(1, _TOKENS, len(weight), generator=torch.Generator().manual_seed(0)).to(weight.dtype)
    with torch.inference_mode():
        return fast if torch.equal(fast(states), module(states)) else None
