"""Telling how far a method has come: methods that walk over layers say so, whoever wants to show it listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

__all__ = ["listening", "steps"]

Item = TypeVar("Item")
Listener = Callable[[str, int, int], None]
"""Called with what is being done, how many are done, and how many there are."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def steps(items: Sequence[Item], doing: str) -> Iterator[Item]:
    """The items one by one, telling the listener before each and at the end.

    Args:
        items: Usually the layers of a model.
        doing: What is done with each, in a word: the method's name.
    """
    tell = _listener.get() or (lambda *_: None)
    for index, item in enumerate(items):
        tell(doing, index, len(items))
        yield item
    tell(doing, len(items), len(items))


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let a function hear the steps taken inside."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
