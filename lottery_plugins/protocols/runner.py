"""Runners: one forward pass over the rows of a step. The seam between the scheduler, which knows no torch, and a model.

The cache is `num_blocks` blocks of `block_size` positions. A row's block table says where its cached positions are:
position p lies in block table[p // block_size] at offset p % block_size. Position in the cache and position in the text
are kept apart, so that a compressed cache can be shorter than its text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lottery_plugins.protocols.engine import SamplingParams

__all__ = ["OutOfMemoryInStepError", "Row", "RowResult", "Runner", "UnusableOutputError"]


@dataclass(slots=True, kw_only=True)  # not frozen: a thousand are made a step, and frozen ones take three times as long
class Row:
    """What one sequence contributes to a step. Nobody changes it.

    Attributes:
        ids: Tokens to forward, at least one.
        cached: Positions of the block table that are already filled; the tokens' keys and values go right behind them.
        position: Position of ids[0] in the text; equals `cached` unless the cache was compressed.
        blocks: The block table, long enough for `cached + len(ids)`.
        params: How to draw the next token from the last token's logits; None draws nothing.
        draw_seed: 64 bits that name the request for sampling.
        draw_index: Index of the token to draw within its completion.
        targets: Tokens to score, from the logits of the last `len(targets)` of `ids`.
    """

    ids: Sequence[int]
    cached: int
    position: int
    blocks: Sequence[int]
    params: SamplingParams | None = None
    draw_seed: int = 0
    draw_index: int = 0
    targets: Sequence[int] = ()


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

    def compress(self, blocks: Sequence[int], cached: int, keep: int, into: Sequence[int]) -> None:
        """Let the KV-cache method choose `keep` of the `cached` positions in each layer and head, and write them to
        the first `keep` positions of the block table `into`, in their order. `into` may be `blocks`.
        """
        ...
