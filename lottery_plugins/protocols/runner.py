"""Runners: one forward pass over the rows of a step. The seam between the scheduler, which knows no torch, and a model.

The cache is `num_blocks` blocks of `block_size` positions. A row's block table says where its cached positions are:
position p lies in block table[p // block_size] at offset p % block_size. Position in the cache and position in the text
are kept apart, so that a compressed cache can be shorter than its text.

In a compressed cache a place of the table, a slot, need not be one position of each layer: see `Layout`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lottery_plugins.protocols.engine import SamplingParams

__all__ = ["Held", "Layout", "Observed", "OutOfMemoryInStepError", "Row", "RowResult", "Runner", "UnusableOutputError"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the layers of a compressed cache have their positions. All end at the last slot, where new ones follow.

    Attributes:
        starts: Per layer its first slot; it has nothing in the slots before.
        groups: Per layer the encoded groups that lie from there on, the same number of slots each. What follows them
            is one position a slot.
    """

    starts: tuple[int, ...]
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A cache as it lies in blocks.

    Attributes:
        blocks: Its block table.
        cached: Slots filled.
        layout: None: each layer has one position in each slot.
    """

    blocks: Sequence[int]
    cached: int
    layout: Layout | None = None


class Observed(Protocol):
    """What a runner remembers of one sequence for its KV-cache method: the latest queries, attention received."""

    def copy(self) -> Observed:
        """For a fork: both go on apart."""
        ...


@dataclass(slots=True, kw_only=True)  # not frozen: a thousand are made a step, and frozen ones take three times as long
class Row:
    """What one sequence contributes to a step. Nobody changes it.

    Attributes:
        ids: Tokens to forward, at least one.
        cached: Slots of the block table that are already filled; the tokens' keys and values go right behind them.
        position: Position of ids[0] in the text; equals `cached` unless the cache was compressed.
        blocks: The block table, long enough for `cached + len(ids)`.
        params: How to draw the next token from the last token's logits; None draws nothing.
        draw_seed: 64 bits that name the request for sampling.
        draw_index: Index of the token to draw within its completion.
        targets: Tokens to score, from the logits of the last `len(targets)` of `ids`.
        layout: Of the cache; see `Held`.
        observed: Takes in what the KV-cache method wants to know of these tokens; None: nothing.
    """

    ids: Sequence[int]
    cached: int
    position: int
    blocks: Sequence[int]
    params: SamplingParams | None = None
    draw_seed: int = 0
    draw_index: int = 0
    targets: Sequence[int] = ()
    layout: Layout | None = None
    observed: Observed | None = None


@dataclass(frozen=True, slots=True)
class RowResult:
    """What came of a row.

    Attributes:
        token: The token drawn; None where none was asked for.
        logprobs: Natural logarithm of the probability of each target.
        is_greedy: Whether each target has the highest logit.
    """

    token: int | None = None
    logprobs: tuple[float, ...] = ()
    is_greedy: bool = True


class OutOfMemoryInStepError(Exception):
    """The step did not fit the memory; nothing was changed. The scheduler tries again with less at a time."""


class UnusableOutputError(Exception):
    """The model gave NaN.

    Attributes:
        row: Index of a row of the step where it did.
    """

    def __init__(self, row: int) -> None:
        super().__init__(row)
        self.row = row


class Runner(Protocol):
    """Runs a model over a block cache.

    Attributes:
        block_size: Positions a block.
        num_blocks: Blocks of the cache.
        max_length: Most positions of one sequence.
        max_step_tokens: Tokens of one step beyond which a step gets no cheaper per token.
    """

    block_size: int
    num_blocks: int
    max_length: int
    max_step_tokens: int

    def begin(self, rows: Sequence[Row]) -> Callable[[], list[RowResult]]:
        """Start one forward pass over all rows; the returned function waits for it and gives one result per row.

        On a device the pass runs while the caller does other things. No two passes overlap.

        Raises:
            OutOfMemoryInStepError: By `begin` or by the returned function.
            UnusableOutputError: Likewise.
        """
        ...

    def copy(self, source: int, target: int, num_positions: int) -> None:
        """Copy the first positions of a block into another one, in all layers."""
        ...

    def observer(self) -> Observed:
        """For the rows of a new sequence, from the beginning of what its KV-cache method is to know."""
        ...

    def compress(self, source: Held, target: Held, observed: Observed | None) -> None:
        """Write a cache anew. In each layer with fewer positions in `target`, the KV-cache method chooses them by their
        scores; they stay in their order, the first of them encoded as the target's layout says. What is encoded in
        both stays as it is. The blocks may be the same.

        Args:
            source: What is there.
            target: Where it goes, and how much of it.
            observed: Of the sequence; it forgets the positions that are dropped. None where the method wants nothing.
        """
        ...
