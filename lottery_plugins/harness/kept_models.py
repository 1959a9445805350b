"""One compressed model for several runs of a process: loading and compressing it again would give the same.

Off unless a process that does many runs switches it on (`keep_models`). The engine and its cache are made anew for each
run, so that no run finds what another has computed and what a run costs does not depend on the one before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Kept", "keep_models", "kept_or_made"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A model as it was loaded and compressed.

    Attributes:
        base: The lm-eval model, with the compressed model inside.
        compressed: What was measured of its weights and cache.
    """

    base: Any
    compressed: Any


@dataclass(slots=True)
class _Place:
    """Room for one model: a second would double the memory."""

    is_open: bool = False
    key: tuple[Any, ...] | None = None
    kept: Kept | None = None

    def clear(self) -> None:
        self.key = self.kept = None


_place = _Place()


@contextlib.contextmanager
def keep_models() -> Iterator[None]:
    """Within it, a run that asks for the very model of the run before gets it, instead of loading it again."""
    _place.is_open = True
    try:
        yield
    finally:
        _place.is_open = False
        _place.clear()


def kept_or_made(
    base_class: type, arguments: Mapping[str, Any], methods: Sequence[Any], make: Callable[[], Kept]
) -> Kept:
    """The model of the run before if it is the same one, else a new one; the old one is dropped before.

    A model whose own cache a method was attached to is not used again: its counts belong to one run.

    Args:
        base_class: The lm-eval model's class.
        arguments: Its arguments.
        methods: Compression methods: frozen dataclasses, compared by their options.
        make: Loads and compresses.
    """
    if not _place.is_open:
        return make()
    key = (base_class, {**arguments}, tuple(methods))
    if _place.kept is None or _place.key != key or _place.kept.compressed.press is not None:
        _place.clear()
        _place.kept, _place.key = make(), key
    return _place.kept
