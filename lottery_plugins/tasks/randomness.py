"""A random stream that never changes: SplitMix64 seeded by a BLAKE2 digest of its keys.

The standard library's `random` may change what its methods draw between Python versions, and `hash()` changes between
processes. A task document must do neither, so every draw is defined here in integer arithmetic.

Source: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators".
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

__all__ = ["Rng"]

T = TypeVar("T")
_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


class Rng:
    """A stream of draws that depends on the keys alone.

    Args:
        keys: What the stream belongs to, e.g. task, seed, split, index; other keys give an unrelated stream.
    """

    __slots__ = ("_state",)

    def __init__(self, *keys: str | int) -> None:
        text = "\x1f".join(str(key) for key in keys)
        self._state = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")

    def bits(self) -> int:
        """The next 64 bits."""
        self._state = z = (self._state + _GOLDEN) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def below(self, stop: int) -> int:
        """A whole number in [0, stop), without bias; stop in [1, 2**64]."""
        limit = (1 << 64) - (1 << 64) % stop
        while (draw := self.bits()) >= limit:
            pass
        return draw % stop

    def between(self, low: int, high: int) -> int:
        """A whole number in [low, high]."""
        return low + self.below(high - low + 1)

    def choice(self, items: Sequence[T]) -> T:
        """One of the items, of which there is at least one."""
        return items[self.below(len(items))]

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """Different positions of `items` in random order; count is at most len(items)."""
        pool = list(items)
        for i in range(count):
            j = i + self.below(len(pool) - i)
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:count]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All items in random order."""
        return self.sample(items, len(items))
