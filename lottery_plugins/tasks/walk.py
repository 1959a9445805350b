"""The walk through a grid of difficulty: consecutive documents visit all its cells in turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

__all__ = ["Walk"]

T = TypeVar("T")


class Walk:
    """Where a document stands in its family's grid.

    Args:
        index: The document's number; consecutive ones differ in the axis that is asked for first.
    """

    __slots__ = ("_left",)

    def __init__(self, index: int) -> None:
        self._left = index

    def along(self, axis: Sequence[T]) -> T:
        """The document's value on the next axis."""
        self._left, at = divmod(self._left, len(axis))
        return axis[at]
