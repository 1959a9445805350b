"""Milliseconds of one quantized linear layer against torch's own kernels for packed weights, by number of rows.

OMP_NUM_THREADS=1 python benchmarks/compression_kernels.py
"""

from __future__ import annotations

import statistics
import time

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from lottery_plugins.compression.linear import Int8Linear
from lottery_plugins.compression.weights.rounding import round_to_nearest

ROWS, COLS, GROUP = 1536, 576, 64


def milliseconds(call, rounds=15):
    call()
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return f"{1000 * statistics.median(taken):.2f}"


def main():
    linear = nn.Linear(COLS, ROWS, bias=False).requires_grad_(False)
    int8, int4 = Int8Linear(linear), round_to_nearest(linear, 4, GROUP)
    nibbles = torch.cat([int4.packed & 15, int4.packed >> 4]).t().to(torch.int32)
    packed = torch._convert_weight_to_int4pack_for_cpu(nibbles.contiguous(), 1)
    scale = int4.scale.float()[:, 0]  # (groups, rows)
    offsets = torch.stack([scale, (8 - int4.zero[:, 0].float()) * scale], dim=-1).contiguous()
    table = Table("rows", "fp32", "int8 ours", "int8 torch", "int4 ours", "int4 torch", title=f"{ROWS} x {COLS}, ms")
    for rows in (1, 8, 32, 256):
        x = torch.randn(rows, COLS)
        calls = (
            lambda x=x: linear(x),
            lambda x=x: int8(x),
            lambda x=x: torch._weight_int8pack_mm(x, int8.levels, int8.scale),
            lambda x=x: int4(x),
            lambda x=x: torch._weight_int4pack_mm_for_cpu(x, packed, GROUP, offsets),
        )
        torch.testing.assert_close(calls[2](), calls[1](), atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(calls[4](), calls[3](), atol=1e-4, rtol=1e-3)
        table.add_row(str(rows), *(milliseconds(call) for call in calls))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
