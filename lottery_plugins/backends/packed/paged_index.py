"""What paged attention needs to know of some rows: where their queries are, and where their keys and values lie.

Made once a step on the host, copied to the device in one piece, read by all layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import torch

from lottery_plugins.protocols.runner import Row

__all__ = ["HostIndex", "PagedIndex", "host_index", "paged_index", "to_device"]


@dataclass(frozen=True, slots=True)
class HostIndex:
    """The numbers of rows that are attended together.

    Attributes:
        starts: Index of each row's first query, and at the end the number of queries.
        lengths: Positions that each row's last query sees: cached ones and new ones.
        offsets: Sums of the lengths before each row, and at the end of all.
        table: Block tables of all rows behind each other, each filled up with block 0 to `width`.
        width: Blocks of the longest row.
    """

    starts: list[int]
    lengths: list[int]
    offsets: list[int]
    table: list[int]
    width: int

    @property
    def max_queries(self) -> int:
        """Queries of the row that has most."""
        return max(stop - start for start, stop in zip(self.starts, self.starts[1:], strict=False))

    def span(self, row: int) -> tuple[int, int]:
        """First and one behind the last query of a row."""
        return self.starts[row], self.starts[row + 1]


@dataclass(slots=True)
class PagedIndex:
    """The same on the device, as kernels take it.

    Attributes:
        queries: How many.
        starts: (rows + 1,) int32, `HostIndex.starts`.
        lengths: (rows,) int32.
        offsets: (rows + 1,) int32.
        table: (rows, width) int32.
        max_queries: Most queries of a row.
        max_length: No row sees more positions.
        host: The numbers; None where they change after this was made, as in a captured graph.
        gathered: Slots of all positions that all rows see, row by row; made by `gather` on first use.
    """

    queries: int
    starts: torch.Tensor
    lengths: torch.Tensor
    offsets: torch.Tensor
    table: torch.Tensor
    max_queries: int
    max_length: int
    host: HostIndex | None = None
    gathered: torch.Tensor | None = field(default=None)

    def gather(self, block_size: int) -> torch.Tensor:
        """Slots of all positions that the rows see, (offsets[-1],) int64. Needs `host`; does not synchronise."""
        if self.gathered is None:
            assert self.host is not None
            total, rows = self.host.offsets[-1], len(self.host.lengths)
            device = self.table.device
            row = torch.repeat_interleave(torch.arange(rows, device=device), self.lengths.long(), output_size=total)
            position = torch.arange(total, device=device) - self.offsets.long()[row]
            block = self.table.long()[row, position // block_size]
            self.gathered = block * block_size + position % block_size
        return self.gathered


def host_index(rows: Sequence[Row], block_size: int) -> HostIndex:
    """The numbers of some rows."""
    starts = [0, *accumulate(len(row.ids) for row in rows)]
    lengths = [row.cached + len(row.ids) for row in rows]
    needed = [-(-length // block_size) for length in lengths]
    width = max(needed)
    table: list[int] = []
    for row, blocks in zip(rows, needed, strict=True):
        table.extend(row.blocks[:blocks])
        table.extend([0] * (width - blocks))
    return HostIndex(starts, lengths, [0, *accumulate(lengths)], table, width)


def to_device(numbers: Sequence[int], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Numbers on the device; on CUDA by a copy from pinned memory that does not wait."""
    pinned = device.type == "cuda"
    return torch.tensor(numbers, dtype=dtype, pin_memory=pinned).to(device, non_blocking=True)


def paged_index(host: HostIndex, device: torch.device, block_size: int) -> PagedIndex:
    """The numbers on the device."""
    rows = len(host.lengths)
    flat = to_device([*host.starts, *host.lengths, *host.offsets, *host.table], torch.int32, device)
    starts, lengths, offsets, table = flat.split([rows + 1, rows, rows + 1, rows * host.width])
    table = table.view(rows, host.width)
    longest = host.width * block_size
    return PagedIndex(host.starts[-1], starts, lengths, offsets, table, host.max_queries, longest, host)
