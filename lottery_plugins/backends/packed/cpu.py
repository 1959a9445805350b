"""Steps on the CPU: the pieces of a step, attended by PyTorch's flash kernel straight out of the pool."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch

from lottery_plugins.backends.packed.attention import Attending
from lottery_plugins.backends.packed.cache import CpuPool, LayerShape
from lottery_plugins.backends.packed.pieces import Piece, Pieces, Span, plan_pieces
from lottery_plugins.backends.packed.sampling import results
from lottery_plugins.backends.packed.steps import PackedStep, packed_step
from lottery_plugins.protocols.runner import Row, RowResult

__all__ = ["CpuExecutor", "CpuPlan"]

_flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default
Part = tuple[torch.Tensor, torch.Tensor]  # (tokens, group, kv_heads, head_dim) and its (tokens, group, kv_heads)


class CpuPlan:
    """Attention of one step in all layers.

    Args:
        pool: The cache.
        layers: Their shapes.
        step: The step; its rows sorted by block table.
    """

    def __init__(self, pool: CpuPool, layers: Sequence[LayerShape], step: PackedStep) -> None:
        self._pool, self._layers = pool, layers
        self._slots = torch.tensor(step.slots)
        spans = [
            Span(first, last, row.cached, row.blocks)
            for row, (first, last) in zip(step.rows, pairwise(step.starts), strict=True)
        ]
        self._cached = {span.first: span.cached for span in spans}
        self._pieces = {
            (shape.window, shape.dtype): plan_pieces(
                spans, pool.block_size, shape.window, exact=shape.dtype is not torch.float32
            )
            for shape in set(layers)
        }
        self._made: dict[tuple[Piece, int | None], torch.Tensor] = {}

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scaling: float | None,
        window: int | None,
    ) -> torch.Tensor:
        """Write keys and values into the pool, then attend piece by piece. See `Plan.attend`."""
        self._pool.write(layer, self._slots, key[0], value[0])
        kv_heads, tokens, head_dim = key.shape[1:]
        group = query.shape[1] // kv_heads
        folded = query.view(kv_heads, group, tokens, head_dim).transpose(1, 2).contiguous()
        shape = self._layers[layer]
        pieces: Pieces = self._pieces[shape.window, shape.dtype]
        work = _Layer(self, layer, folded, key, value, scaling, shape.window)
        parts = [work.part(piece) for piece in pieces.base]
        if len(parts) == 1:
            out, total = parts[0]
        else:
            out = torch.cat([part[0] for part in parts])
            total = torch.cat([part[1] for part in parts]) if pieces.extra else parts[0][1]
        for piece in pieces.extra:
            _merge(out[piece.first : piece.last], total[piece.first : piece.last], work.part(piece))
        return out.transpose(1, 2).reshape(1, tokens, kv_heads * group, head_dim)

    def index(self, piece: Piece) -> torch.Tensor:
        """The slots of a piece of several runs; made once a step."""
        return self._once(piece, None, lambda: torch.cat([torch.arange(*run) for run in piece.runs]))

    def mask(self, piece: Piece, group: int, window: int | None, dtype: torch.dtype) -> torch.Tensor:
        """What each query of a masked piece sees, added to the scores: (1, 1, tokens * group, positions)."""
        return self._once(piece, group, lambda: self._make_mask(piece, group, window, dtype))

    def _make_mask(self, piece: Piece, group: int, window: int | None, dtype: torch.dtype) -> torch.Tensor:
        own = self._cached[piece.first] + torch.arange(piece.last - piece.first).repeat_interleave(group)[:, None]
        seen = torch.arange(piece.start, piece.start + sum(stop - start for start, stop in piece.runs))
        hidden = seen > own
        if window is not None:
            hidden |= seen <= own - window
        return torch.zeros(hidden.shape, dtype=dtype).masked_fill_(hidden, -torch.inf)[None, None]

    def _once(self, piece: Piece, group: int | None, make: Callable[[], torch.Tensor]) -> torch.Tensor:
        if (piece, group) not in self._made:
            self._made[piece, group] = make()
        return self._made[piece, group]


class _Layer:
    """One layer of a step."""

    def __init__(
        self,
        plan: CpuPlan,
        layer: int,
        folded: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scaling: float | None,
        window: int | None,
    ) -> None:
        self._plan, self._folded, self._own = plan, folded, (key, value)  # folded: (kv_heads, tokens, group, head_dim)
        self._keys, self._values = plan._pool.keys[layer], plan._pool.values[layer]
        self._scaling, self._window = scaling, window

    def part(self, piece: Piece) -> Part:
        """Attention of a piece."""
        kv_heads, _, group, head_dim = self._folded.shape
        query = self._folded[:, piece.first : piece.last]
        if not piece.runs:
            return self._among_themselves(piece, query)
        keys, values = self._cached(piece)
        mask = self._plan.mask(piece, group, self._window, keys.dtype) if piece.masked else None
        flat = query.view(1, kv_heads, -1, head_dim)
        out, total = _flash(flat, keys, values, 0.0, False, attn_mask=mask, scale=self._scaling)
        tokens = piece.last - piece.first
        return (
            out.transpose(1, 2).view(tokens, group, kv_heads, head_dim),
            total.transpose(1, 2).view(tokens, group, kv_heads),
        )

    def _cached(self, piece: Piece) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of a piece, (1, kv_heads, positions, head_dim): a view where the slots lie side by side."""
        if len(piece.runs) == 1:
            start, stop = piece.runs[0]
            return self._keys[None, :, start:stop], self._values[None, :, start:stop]
        index = self._plan.index(piece)
        return self._keys.index_select(1, index)[None], self._values.index_select(1, index)[None]

    def _among_themselves(self, piece: Piece, query: torch.Tensor) -> Part:
        """The row's own tokens, causally."""
        group = query.shape[2]
        keys, values = (
            own[0, :, None, piece.first : piece.last].expand(-1, group, -1, -1) for own in self._own
        )  # (kv_heads, group, tokens, head_dim)
        out, total = _flash(query.transpose(1, 2), keys, values, 0.0, True, attn_mask=None, scale=self._scaling)
        return out.permute(2, 1, 0, 3), total.permute(2, 1, 0)


def _merge(out: torch.Tensor, total: torch.Tensor, part: Part) -> None:
    """Put two parts of a softmax together, in place: each weighs what its scores sum to."""
    weight = torch.sigmoid(part[1] - total)
    out.lerp_(part[0], weight[..., None])
    torch.logaddexp(total, part[1], out=total)


class CpuExecutor:
    """Carries out steps on the CPU, at once.

    Args:
        model: A transformers causal model in eval mode.
        pool: The cache.
        layers: Shapes of its layers.
        max_step_tokens: See `Runner`.
    """

    prefers_runs = True

    def __init__(self, model: Any, pool: CpuPool, layers: Sequence[LayerShape], max_step_tokens: int) -> None:
        self.pool: CpuPool = pool
        self.max_step_tokens = max_step_tokens
        self._model, self._layers = model, layers
        self._attending = Attending(model)

    def pack(self, rows: Sequence[Row]) -> PackedStep:
        """Rows as one step, sorted by block table, so that those that share a stretch of the cache are neighbours."""
        order = sorted(range(len(rows)), key=lambda i: list(rows[i].blocks))
        return packed_step(rows, order, self.pool.block_size)

    def start(self, step: PackedStep) -> Callable[[], list[RowResult]]:
        """Carry out a step."""
        found = results(self.logits(step), step)
        return lambda: found

    def logits(self, step: PackedStep) -> torch.Tensor:
        """The logits of a step's `keep`, (len(keep), vocabulary)."""
        plan = CpuPlan(self.pool, self._layers, step)
        with torch.inference_mode(), self._attending.through(plan):
            return self._model(
                input_ids=torch.tensor([step.ids]),
                position_ids=torch.tensor([step.positions]),
                use_cache=False,
                logits_to_keep=torch.tensor(step.keep, dtype=torch.long),
            ).logits[0]
