"""The best of many scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["best_positions"]


def best_positions(scores: NDArray[Any], top_k: int) -> NDArray[Any]:
    """Where the top_k highest scores are, best first, equal ones in order; all of them when there are fewer.

    Cost: O(n + top_k log top_k).
    """
    import numpy as np

    found = np.arange(len(scores))
    if len(scores) > top_k:
        lowest = np.partition(scores, -top_k)[-top_k]
        found = np.flatnonzero(scores >= lowest)
    return found[np.argsort(-scores[found], kind="stable")][:top_k]
