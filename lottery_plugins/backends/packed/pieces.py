"""Which stretches of the cache each token of a step attends to: a plan made of slots, once a step, without torch.

A sequence's cached positions are a few runs of slots that lie side by side. A stretch that several rows share is
attended once, with the queries of all of them (Juravsky et al. 2024, arXiv:2402.05099), and the parts of a softmax are
put together by their logarithmic sums. For that, rows come sorted by block table: those that share are neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

__all__ = ["Piece", "Pieces", "Span", "plan_pieces", "shared_stretches", "slot_runs"]

_MIN_SHARED_POSITIONS = 512  # reading so many positions less pays for one more call and the merge of its result
_MAX_RUNS = 2  # more runs than these are copied together: a call and its merge cost more than copying a short run

Run = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Span:
    """A row of the step: its tokens [first, last), and what of the cache is before them."""

    first: int
    last: int
    cached: int
    blocks: Sequence[int]


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens [first, last) attend to all positions of `runs`, or, where `masked`, to those that the mask allows.

    Attributes:
        first: First token.
        last: One behind the last token.
        runs: Slots [start, stop), in the order of positions. Empty: the tokens among themselves, causally.
        masked: Whether the positions include the tokens' own, so that not all see all.
        start: Position in the cache of the first slot; used with `masked`.
    """

    first: int
    last: int
    runs: tuple[Run, ...] = ()
    masked: bool = False
    start: int = 0


@dataclass(frozen=True, slots=True)
class Pieces:
    """A step's attention in the layers of one window.

    Attributes:
        base: One piece per row: all tokens, in order.
        extra: More pieces of some tokens, to be merged with what is there.
    """

    base: list[Piece] = field(default_factory=list)
    extra: list[Piece] = field(default_factory=list)


def slot_runs(blocks: Sequence[int], start: int, stop: int, block_size: int) -> tuple[Run, ...]:
    """The slots of positions [start, stop) of a block table, as runs that are as long as they can be."""
    runs: list[Run] = []
    position = start
    while position < stop:
        index = position // block_size
        begin = blocks[index] * block_size + position % block_size
        length = min(block_size - position % block_size, stop - position)
        if runs and runs[-1][1] == begin:
            runs[-1] = (runs[-1][0], begin + length)
        else:
            runs.append((begin, begin + length))
        position += length
    return tuple(runs)


def shared_stretches(
    tables: Sequence[Sequence[int]], min_gain: int
) -> tuple[list[tuple[int, int, int, int]], list[int]]:
    """Find stretches of blocks that neighbours share.

    Args:
        tables: Per row the blocks that may be shared, sorted.
        min_gain: A stretch is shared when it saves at least so many readings of a block.

    Returns:
        (first row, one behind the last row, first index, one behind the last index) of each stretch, and for each row
        how many of its blocks are in stretches: they are its first ones.
    """
    common = [_common_prefix(a, b) for a, b in pairwise(tables)]
    found: list[tuple[int, int, int, int]] = []
    private = [0] * len(tables)
    open_groups = [(0, len(tables), 0)]
    while open_groups:
        low, high, start = open_groups.pop()
        if high - low < 2:
            continue
        end = min(common[low : high - 1])
        if end > start and (high - low - 1) * (end - start) >= min_gain:
            found.append((low, high, start, end))
            private[low:high] = [end] * (high - low)
            start = end
        cuts = [low, *(i + 1 for i in range(low, high - 1) if common[i] == end), high]
        open_groups.extend((a, b, start) for a, b in pairwise(cuts))
    return found, private


def _common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    for index, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return index
    return min(len(a), len(b))


def plan_pieces(spans: Sequence[Span], block_size: int, window: int | None, exact: bool) -> Pieces:
    """Plan the attention of a step.

    Args:
        spans: The rows, sorted by block table.
        block_size: Positions a block.
        window: Positions a token sees, itself included; None: all.
        exact: One piece per row, whatever else is in the step: in bf16 another grouping would round otherwise, and so
            would shared stretches with fixed bounds: the kernel's rounding depends on the number of queries.
    """
    pieces = Pieces()
    if exact:
        pieces.base.extend(_whole(span, block_size, window) for span in spans)
        return pieces
    cut = [window is not None and span.cached + span.last - span.first > window for span in spans]
    tables = [() if c else span.blocks[: span.cached // block_size] for c, span in zip(cut, spans, strict=True)]
    stretches, private = shared_stretches(tables, -(-_MIN_SHARED_POSITIONS // block_size))
    for low, high, start, end in stretches:
        runs = slot_runs(spans[low].blocks, start * block_size, end * block_size, block_size)
        _add(pieces.extra, spans[low].first, spans[high - 1].last, runs)
    for span, is_cut, blocks in zip(spans, cut, private, strict=True):
        if is_cut:
            pieces.base.append(_whole(span, block_size, window))
        elif span.last - span.first == 1:
            runs = slot_runs(span.blocks, blocks * block_size, span.cached + 1, block_size)
            split = 1 if len(runs) <= _MAX_RUNS else len(runs)
            pieces.base.append(Piece(span.first, span.last, runs[-split:]))
            _add(pieces.extra, span.first, span.last, runs[:-split])
        else:
            pieces.base.append(Piece(span.first, span.last))
            _add(
                pieces.extra,
                span.first,
                span.last,
                slot_runs(span.blocks, blocks * block_size, span.cached, block_size),
            )
    return pieces


def _add(extra: list[Piece], first: int, last: int, runs: tuple[Run, ...]) -> None:
    """Pieces over fully visible runs: one each, or one over all of them when they are many."""
    if len(runs) > _MAX_RUNS:
        extra.append(Piece(first, last, runs))
    else:
        extra.extend(Piece(first, last, (run,)) for run in runs)


def _whole(span: Span, block_size: int, window: int | None) -> Piece:
    """One piece with everything that any token of the row sees."""
    start = 0 if window is None else max(0, span.cached + 1 - window)
    stop = span.cached + span.last - span.first
    runs = slot_runs(span.blocks, start, stop, block_size)
    return Piece(span.first, span.last, runs, masked=span.last - span.first > 1, start=start)
