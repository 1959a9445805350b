"""A runner without a model: its cache holds token ids, and the next token is a hash of all that a row can see."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from lottery_plugins.engine.compression import CacheMethods
from lottery_plugins.protocols.kv_cache import Demands
from lottery_plugins.protocols.runner import (
    Held,
    Observed,
    OutOfMemoryInStepError,
    Row,
    RowResult,
    UnusableOutputError,
)

__all__ = ["FakeObserved", "FakeRunner", "best_cells", "next_token"]

Cell = tuple[int, int]
"""A cached token and its position in the text."""

Slot = Cell | tuple[tuple[Cell, ...], int]
"""What a slot holds: a cell, or a part of an encoded group."""


class FakeObserved:
    """The cells that were observed, without a gap up to the latest.

    Args:
        cells: In the order of their positions.
    """

    def __init__(self, cells: Sequence[Cell] = ()) -> None:
        self._cells = list(cells)

    def copy(self) -> FakeObserved:
        """Another one with the same cells."""
        return FakeObserved(self._cells)

    def note(self, ids: Sequence[int], position: int) -> None:
        """Take in tokens; what was at their positions and behind is forgotten."""
        before = [cell for cell in self._cells if cell[1] < position]
        self._cells = before if before and before[-1][1] == position - 1 else []
        self._cells += [(token, position + i) for i, token in enumerate(ids)]

    def told(self, wants: Demands) -> tuple[Cell, ...]:
        """What a press sees of it: with the mass all of them, else the latest."""
        return tuple(self._cells if wants.needs_mass else self._cells[len(self._cells) - wants.num_queries :])


def best_cells(cells: Sequence[Cell], keep: int, layer: int = 0, told: tuple[Cell, ...] = ()) -> list[int]:
    """Which of the cells a `FakeRunner` keeps: those of the largest hashes of cell, layer and what was observed."""
    order = sorted(range(len(cells)), key=lambda i: (hash((cells[i], layer, told)), -i))
    return sorted(order[len(cells) - keep :])


def next_token(seen: Sequence[Cell], vocabulary: int, salt: int = 0) -> int:
    """The token that follows cached cells; differs as soon as one of them does."""
    text = ",".join(f"{token}@{position}" for token, position in seen) + f"#{salt}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "little") % vocabulary


class FakeRunner:
    """A `protocols.runner.Runner` on a list: a wrong block, position or token anywhere changes what is drawn.

    Args:
        num_blocks: Blocks of the cache.
        block_size: Positions a block.
        max_step_tokens: What it reports.
        vocabulary: Tokens are below it.
        max_length: Most positions of a sequence.
        fits: Most tokens of a step; more is out of memory.
        methods: The KV-cache methods, for the numbers of layers and of the slots of a group; None: one layer.

    Attributes:
        steps: The rows of each step.
        nan_at: A token id; the step that forwards it gives NaN.
    """

    def __init__(
        self,
        num_blocks: int = 64,
        block_size: int = 4,
        max_step_tokens: int = 64,
        vocabulary: int = 97,
        max_length: int = 10_000,
        fits: int = 10_000,
        methods: CacheMethods | None = None,
    ) -> None:
        self.num_blocks, self.block_size, self.max_length = num_blocks, block_size, max_length
        self.max_step_tokens, self._vocabulary, self._fits = max_step_tokens, vocabulary, fits
        num_layers = len(methods.position_bytes) if methods else 1
        self._cells: list[list[Slot | None]] = [[None] * (num_blocks * block_size) for _ in range(num_layers)]
        self._wants = methods.wants if methods else Demands()
        self._group_slots = methods.group_slots if methods else 0
        self._group_size = methods.quantizer.group_size if methods and methods.quantizer else 0
        self.steps: list[list[Row]] = []
        self.nan_at: int | None = None

    @property
    def forwarded(self) -> int:
        """Tokens of all steps."""
        return sum(len(row.ids) for rows in self.steps for row in rows)

    def begin(self, rows: Sequence[Row]) -> Callable[[], list[RowResult]]:
        """Write the rows' tokens to the cache, then draw."""
        if sum(len(row.ids) for row in rows) > self._fits:
            raise OutOfMemoryInStepError
        if not all(row.ids for row in rows):
            raise AssertionError("a row without a token")
        self.steps.append(list(rows))
        written = [self._slot(row, row.cached + i) for row in rows for i in range(len(row.ids))]
        if len(set(written)) != len(written):
            raise AssertionError("two rows write to one position")
        for row in rows:
            for i, token in enumerate(row.ids):
                for cells in self._cells:
                    cells[self._slot(row, row.cached + i)] = (token, row.position + i)
            if isinstance(row.observed, FakeObserved):
                row.observed.note(row.ids, row.position)
        bad = next((i for i, row in enumerate(rows) if self.nan_at in row.ids), None)

        def collect() -> list[RowResult]:
            if bad is not None:
                raise UnusableOutputError(bad)
            return [self._result(row) for row in rows]

        return collect

    def copy(self, source: int, target: int, num_positions: int) -> None:
        """Copy cells."""
        size = self.block_size
        for cells in self._cells:
            cells[target * size : target * size + num_positions] = cells[source * size : source * size + num_positions]

    def observer(self) -> FakeObserved:
        """A record of the tokens that are observed."""
        return FakeObserved()

    def compress(self, source: Held, target: Held, observed: Observed | None) -> None:
        """Keep the cells that are rated highest; encode as many as the target says."""
        told = observed.told(self._wants) if isinstance(observed, FakeObserved) else ()
        for layer, cells in enumerate(self._cells):
            have, few = self._held(layer, source), self._num_held(layer, target)
            if few < len(have):
                have = [have[i] for i in best_cells(have, few, layer, told)]
            start, groups = self._parts(layer, target)
            encoded, plain = have[: groups * self._group_size], have[groups * self._group_size :]
            slots = iter(_slots(target.blocks, start, target.cached, self.block_size))
            for i in range(groups):
                group = tuple(encoded[i * self._group_size : (i + 1) * self._group_size])
                for part in range(self._group_slots):
                    cells[next(slots)] = (group, part)
            for cell, slot in zip(plain, slots, strict=True):
                cells[slot] = cell

    def _parts(self, layer: int, held: Held | Row) -> tuple[int, int]:
        """The first slot of a layer, and its encoded groups."""
        return (held.layout.starts[layer], held.layout.groups[layer]) if held.layout else (0, 0)

    def _num_held(self, layer: int, held: Held) -> int:
        start, groups = self._parts(layer, held)
        return held.cached - start + groups * (self._group_size - self._group_slots)

    def _held(self, layer: int, held: Held) -> list[Cell]:
        """The cells of a layer, decoded."""
        start, groups = self._parts(layer, held)
        found: list[Cell] = []
        for i, slot in enumerate(_slots(held.blocks, start, held.cached, self.block_size)):
            cell = self._cells[layer][slot]
            if cell is None:
                raise AssertionError("a row reads a slot that nobody wrote")
            is_encoded = i < groups * self._group_slots
            if is_encoded != isinstance(cell[0], tuple):
                raise AssertionError("a slot is read as what it is not")
            if not is_encoded:
                found.append(cell)  # type: ignore[arg-type]
            elif cell[1] != i % self._group_slots:
                raise AssertionError("the slots of a group are not in their order")
            elif cell[1] == 0:
                found.extend(cell[0])  # type: ignore[arg-type]
        return found

    def _slot(self, row: Row, slot: int) -> int:
        return row.blocks[slot // self.block_size] * self.block_size + slot % self.block_size

    def _seen(self, row: Row, length: int) -> list[Cell]:
        """What a row sees of its first `length` slots, layer after layer."""
        held = Held(row.blocks, length, row.layout)
        return [cell for layer in range(len(self._cells)) for cell in self._held(layer, held)]

    def _result(self, row: Row) -> RowResult:
        length = row.cached + len(row.ids)
        logprobs, greedy = [], True
        for i, target in enumerate(row.targets):
            drawn = next_token(self._seen(row, length - len(row.targets) + i + 1), self._vocabulary)
            greedy = greedy and drawn == target
            logprobs.append(-1.0 - drawn - target / 100)
        token = None
        if row.params is not None:
            salt = hash((row.draw_seed, row.draw_index)) if row.params.do_sample else 0
            token = next_token(self._seen(row, length), self._vocabulary, salt)
        return RowResult(token, tuple(logprobs), greedy)


def _slots(blocks: Sequence[int], start: int, stop: int, block_size: int) -> list[int]:
    return [blocks[i // block_size] * block_size + i % block_size for i in range(start, stop)]
