"""Rows that decode, two by two: one call of the attention kernel serves both, straight out of the pool.

A kernel's call has a price of its own, and with the few heads of one row threads wait for each other. Any two stretches
of the pool are one strided view, so two rows need no copy; three seldom would be. The shorter stretch is read on to the
length of the longer one, and what it reads there is masked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lottery_plugins.backends.packed.pieces import Piece

__all__ = ["Couple", "couples"]

_MOST_EXTRA = 0.25  # of the shorter stretch: more reading in vain costs what the call saves


@dataclass(frozen=True, slots=True)
class Couple:
    """Two rows of one token each.

    Attributes:
        tokens: Their tokens, that of the stretch with the lower slots first.
        starts: First slot of each stretch.
        lengths: Slots of each.
    """

    tokens: tuple[int, int]
    starts: tuple[int, int]
    lengths: tuple[int, int]

    @property
    def length(self) -> int:
        """Slots read of each."""
        return max(self.lengths)


def couples(pieces: Sequence[Piece], num_slots: int) -> tuple[list[Couple], list[Piece]]:
    """Couple the pieces that are one token over one stretch, those of similar length together.

    Args:
        pieces: One per row.
        num_slots: Slots of the pool, beyond which nothing can be read.

    Returns:
        The couples, and the pieces that stay single, in their order.
    """
    alone = [p for p in pieces if p.last - p.first == 1 and len(p.runs) == 1 and not p.masked]
    alone.sort(key=lambda piece: piece.runs[0][1] - piece.runs[0][0])
    found: list[Couple] = []
    coupled: set[int] = set()
    waiting: Piece | None = None
    for piece in alone:
        made = waiting and _couple(waiting, piece, num_slots)
        if made:
            found.append(made)
            coupled.update(made.tokens)
        waiting = None if made else piece
    return found, [piece for piece in pieces if piece.first not in coupled]


def _couple(shorter: Piece, longer: Piece, num_slots: int) -> Couple | None:
    """The couple of two pieces; None where it would read much in vain, or beyond the pool."""
    lengths = [stop - start for start, stop in (shorter.runs[0], longer.runs[0])]
    if lengths[1] > lengths[0] * (1 + _MOST_EXTRA) or shorter.runs[0][0] + lengths[1] > num_slots:
        return None
    one, other = sorted((shorter, longer), key=lambda piece: piece.runs[0][0])
    (start, stop), (other_start, other_stop) = one.runs[0], other.runs[0]
    return Couple((one.first, other.first), (start, other_start), (stop - start, other_stop - other_start))
