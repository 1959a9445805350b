"""What a needle holds: words, numbers or UUIDs."""

from __future__ import annotations

from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.words import VALUES

__all__ = ["KINDS", "draw_values"]

KINDS = ("number", "word", "uuid")


def draw_values(rng: Rng, kind: str, count: int) -> list[str]:
    """Different values of one of `KINDS`: words of `words.VALUES`, numbers of five digits, or UUIDs."""
    if kind == "word":
        return rng.sample(VALUES, count)
    found: dict[str, None] = {}
    while len(found) < count:
        found[str(rng.between(10_000, 99_999)) if kind == "number" else _uuid(rng)] = None
    return list(found)


def _uuid(rng: Rng) -> str:
    """32 random hexadecimal digits in the groups of a UUID."""
    text = f"{rng.bits():016x}{rng.bits():016x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
