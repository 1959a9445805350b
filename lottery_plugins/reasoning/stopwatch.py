"""Measures work where it is done: in its thread, not from the event loop, which may be busy with the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ["Stopwatch"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Stopwatch:
    """Adds up the time of the calls that it watches.

    Args:
        clock: Seconds, rising.

    Attributes:
        seconds: Sum so far.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.seconds = 0.0

    def watched(self, act: Callable[_P, _T]) -> Callable[_P, _T]:
        """The same function, its time added when it ends, also when it raises."""

        def watched_act(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            start = self._clock()
            try:
                return act(*args, **kwargs)
            finally:
                self.seconds += self._clock() - start

        return watched_act
