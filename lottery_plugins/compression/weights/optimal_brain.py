"""The column sweep that SparseGPT and GPTQ share: change one input column of a weight matrix after the other, and let
the columns to its right make up for the error.

Minimises the change of the layer's outputs on the calibration inputs, as in Frantar et al. 2022, arXiv:2210.17323.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from lottery_plugins.errors import ConfigError

__all__ = ["Settle", "inverse_root", "sweep"]

Settle = Callable[[torch.Tensor, int, int], torch.Tensor]
"""Gives the values that a column takes, (rows,): from a block of columns as they are by now, transposed, (width, rows),
the number of columns before the block, and the index of the column in it."""


def inverse_root(gram: torch.Tensor, damping: float, where: str) -> torch.Tensor:
    """The upper triangular U with U^T U = (gram + damping * mean of its diagonal)^-1.

    Args:
        gram: Of the inputs, (cols, cols).
        damping: Added to the diagonal, as a fraction of its mean.
        where: Method and layer, for the message.

    Raises:
        ConfigError: If the damped matrix has no inverse in float32.
    """
    damped = gram + torch.eye(len(gram), device=gram.device) * (damping * gram.diagonal().mean())
    lower, failed = torch.linalg.cholesky_ex(damped)
    if not failed:
        upper, failed = torch.linalg.cholesky_ex(torch.cholesky_inverse(lower), upper=True)
    if failed or not torch.isfinite(upper).all():
        hint = "Give more damping (0.1), or more calibration text."
        raise ConfigError(where, damping, "a damping with which the inputs' products can be inverted", hint)
    return upper


def sweep(weight: torch.Tensor, root: torch.Tensor, settle: Settle, block_size: int) -> torch.Tensor:
    """Settle all columns, from the first to the last.

    Args:
        weight: (rows, cols) float32; not changed.
        root: From `inverse_root`.
        settle: Called once for each column, in order.
        block_size: Columns after which the others to the right are brought up to date at once; changes only the time.

    Returns:
        The settled weight, (rows, cols).
    """
    left = weight.t().contiguous()  # (cols, rows): what is left of the columns, each a run of memory
    settled, diagonal = torch.empty_like(left), root.diagonal().tolist()
    for start in range(0, len(left), block_size):
        block = left[start : start + block_size]
        stop = start + len(block)
        errors = torch.empty_like(block)
        for index in range(len(block)):
            column = start + index
            settled[column] = settle(block, start, index)
            errors[index] = (block[index] - settled[column]) / diagonal[column]
            block[index:].addr_(root[column, column:stop], errors[index], alpha=-1)
        left[stop:].addmm_(root[start:stop, stop:].t(), errors, alpha=-1)
    return settled.t().contiguous()
