"""One step as flat lists, and what carries it out: the seam between the runner and a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from lottery_plugins.backends.packed.cache import KVPool, slots
from lottery_plugins.protocols.engine import SamplingParams
from lottery_plugins.protocols.runner import Row, RowResult

__all__ = ["Draw", "Executor", "PackedStep", "packed_step"]


@dataclass(frozen=True, slots=True)
class Draw:
    """A token to draw: for which of the step's rows, from which of its logits, and how."""

    row: int
    logit: int
    params: SamplingParams
    seed: int
    index: int


@dataclass(frozen=True, slots=True)
class PackedStep:
    """All rows of a step behind each other.

    Attributes:
        rows: In packed order.
        order: For each of them, its index among the rows as the scheduler gave them.
        ids: Tokens of all rows.
        positions: Their positions in the text.
        slots: Where their keys and values go.
        starts: Index of each row's first token, and at the end the number of tokens.
        keep: Tokens whose logits are needed, ascending; a row's are behind each other.
        keep_starts: Index into `keep` of each row's first, and at the end their number.
        draws: Tokens to draw.
        num_ordinary: Rows without a layout; they are the first ones.
        is_plain: Whether all rows are ordinary, and none is observed.
    """

    rows: Sequence[Row]
    order: Sequence[int]
    ids: list[int]
    positions: list[int]
    slots: list[int]
    starts: list[int]
    keep: list[int]
    keep_starts: list[int]
    draws: list[Draw]
    num_ordinary: int
    is_plain: bool


class Executor(Protocol):
    """Carries out steps on one device: the model's forward over the pool, then drawing and scoring.

    Errors of torch are passed on as they are; the runner translates them.

    Attributes:
        max_step_tokens: See `Runner`.
    """

    max_step_tokens: int

    @property
    def pool(self) -> KVPool:
        """The cache."""
        ...

    def pack(self, rows: Sequence[Row]) -> PackedStep:
        """Rows as one step, in the order that suits the device: those with a layout last."""
        ...

    def logits(self, step: PackedStep) -> torch.Tensor:
        """The logits of a step's `keep`, (len(keep), vocabulary)."""
        ...

    def start(self, step: PackedStep) -> Callable[[], list[RowResult]]:
        """Start a step; the returned function waits for it and gives the results in the scheduler's order."""
        ...


def packed_step(rows: Sequence[Row], order: Sequence[int], block_size: int) -> PackedStep:
    """Rows as one step, in the given order, which has rows with a layout last."""
    ordinary = sum(row.layout is None for row in rows)
    is_plain = ordinary == len(rows) and all(row.observed is None for row in rows)
    step = PackedStep([rows[i] for i in order], order, [], [], [], [0], [], [0], [], ordinary, is_plain)
    for index, row in enumerate(step.rows):
        length = len(row.ids)
        step.ids.extend(row.ids)
        step.positions.extend(range(row.position, row.position + length))
        step.slots.extend(slots(row.blocks, row.cached, row.cached + length, block_size))
        end = step.starts[-1] + length
        needed = max(len(row.targets), 1 if row.params is not None else 0)
        step.keep.extend(range(end - needed, end))
        if row.params is not None:
            step.draws.append(Draw(index, len(step.keep) - 1, row.params, row.draw_seed, row.draw_index))
        step.starts.append(end)
        step.keep_starts.append(len(step.keep))
    return step
