"""Steps on the CPU: the pieces of a step, attended by PyTorch's flash kernel straight out of the pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch

from lottery_plugins.backends.packed.attention import Attending
from lottery_plugins.backends.packed.cache import CpuPool, LayerShape
from lottery_plugins.backends.packed.compressed_plan import CompressedPlan
from lottery_plugins.backends.packed.couples import Couple, couples
from lottery_plugins.backends.packed.groups import Groups
from lottery_plugins.backends.packed.pieces import Piece, Pieces, Span, plan_pieces
from lottery_plugins.backends.packed.sampling import results
from lottery_plugins.backends.packed.steps import PackedStep, packed_step
from lottery_plugins.protocols.runner import Row, RowResult

__all__ = ["CpuExecutor", "CpuPlan"]

_flash = torch._scaled_dot_product_flash_attention_for_cpu  # output and logarithmic sums; this name costs least
Part = tuple[torch.Tensor, torch.Tensor]  # (tokens, kv_heads, group, head_dim) and its (tokens, kv_heads, group)
Views = list[tuple[torch.Tensor, torch.Tensor]]  # per layer keys and values, (rows, kv_heads, positions, head_dim)


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
        self._rounds: dict[object, _Round] = {}
        self._views: dict[tuple[int, int], Views] = {}
        self._paired: dict[Couple, Views] = {}
        for shape in set(layers):
            exact = shape.dtype is not torch.float32
            pieces = plan_pieces(spans, pool.block_size, shape.window, exact)
            self._rounds[shape.window, shape.dtype] = made = _Round(
                pieces, 0 if exact or not pool.is_finite else pool.num_slots
            )
            for couple in made.couples:
                self._paired[couple] = pool.paired_views(couple.starts, couple.length)
            for piece in (*made.singles, *pieces.extra):
                for run in piece.runs:
                    if run not in self._views:
                        self._views[run] = pool.views(*run)
        self._masks: dict[object, torch.Tensor] = {}

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
        kv_heads, tokens = key.shape[1:3]
        shape = self._layers[layer]
        todo = self._rounds[shape.window, shape.dtype]
        packed = query.view(kv_heads, -1, tokens, query.shape[3]).permute(2, 0, 1, 3).contiguous()
        work = _Layer(packed, key[0], value[0], scaling)
        parts = [*self._coupled(work, layer, todo), *(self._part(work, layer, piece) for piece in todo.singles)]
        out = todo.in_order([part[0] for part in parts])  # (tokens, kv_heads, group, head_dim)
        if todo.extra:
            total = todo.in_order([part[1] for part in parts])  # (tokens, kv_heads, group)
            for piece in todo.extra:
                _merge(out[piece.first : piece.last], total[piece.first : piece.last], self._part(work, layer, piece))
        return out.view(1, tokens, query.shape[1], query.shape[3])

    def _coupled(self, work: _Layer, layer: int, todo: _Round) -> Iterator[Part]:
        """Attention of the couples in one layer."""
        if todo.couples:
            queries = work.packed.index_select(0, todo.coupled_tokens).unflatten(0, (-1, 2)).unbind()
            for query, couple, mask in zip(queries, todo.couples, todo.masks, strict=True):
                keys, values = self._paired[couple][layer]
                part: Part = _flash(query, keys, values, 0.0, False, attn_mask=mask, scale=work.scaling)
                yield part

    def _part(self, work: _Layer, layer: int, piece: Piece) -> Part:
        """Attention of one piece in one layer."""
        if not piece.runs:
            return work.among_themselves(piece.first, piece.last)
        keys, values = self._views[piece.runs[0]][layer]
        if len(piece.runs) > 1:  # copied together: several times as fast as by index
            several = [self._views[run][layer] for run in piece.runs]
            keys, values = (torch.cat([views[i] for views in several], dim=2) for i in (0, 1))
        if piece.last - piece.first == 1:
            part: Part = _flash(work.packed[piece.first : piece.last], keys, values, 0.0, False, scale=work.scaling)
            return part
        mask = self._mask(piece, layer, work.packed.shape[2]) if piece.masked else None
        return work.of_many(piece.first, piece.last, keys, values, mask)

    def _mask(self, piece: Piece, layer: int, group: int) -> torch.Tensor:
        """What each query of a masked piece sees, added to the scores: (1, 1, group * tokens, positions)."""
        window, dtype = self._layers[layer].window, self._layers[layer].dtype
        if (piece, group, window) not in self._masks:
            own = self._cached[piece.first] + torch.arange(piece.last - piece.first)[:, None]
            seen = torch.arange(piece.start, piece.start + sum(stop - start for start, stop in piece.runs))
            hidden = seen > own
            if window is not None:
                hidden |= seen <= own - window
            mask = torch.zeros(hidden.shape, dtype=dtype).masked_fill_(hidden, -torch.inf)
            self._masks[piece, group, window] = mask.repeat(group, 1)[None, None]
        return self._masks[piece, group, window]


class _Round:
    """What is to be attended in the layers of one window and type.

    Args:
        pieces: The plan.
        num_slots: Slots of the pool; 0: nothing is coupled.
    """

    def __init__(self, pieces: Pieces, num_slots: int) -> None:
        self.extra = pieces.extra
        self.couples, self.singles = couples(pieces.base, num_slots) if num_slots else ([], pieces.base)
        self.masks = [_mask_of(couple) for couple in self.couples]
        coupled = [token for couple in self.couples for token in couple.tokens]
        self.coupled_tokens = torch.tensor(coupled, dtype=torch.long)
        order = [*coupled, *(token for piece in self.singles for token in range(piece.first, piece.last))]
        self._places = torch.tensor(order).argsort() if coupled else None

    def in_order(self, parts: list[torch.Tensor]) -> torch.Tensor:
        """The parts of couples and single pieces together, in the order of the tokens."""
        together = torch.cat(parts)
        return together if self._places is None else together.index_select(0, self._places)


def _mask_of(couple: Couple) -> torch.Tensor | None:
    """What hides the end of the shorter stretch, added to the scores: (2, 1, 1, length); None for equal lengths."""
    if couple.lengths[0] == couple.lengths[1]:
        return None
    mask = torch.zeros(2, 1, 1, couple.length)
    for row, length in enumerate(couple.lengths):
        mask[row, ..., length:] = -torch.inf
    return mask


@dataclass(frozen=True, slots=True)
class _Layer:
    """What one layer brings into a step.

    Attributes:
        packed: Queries, (tokens, kv_heads, group, head_dim).
        keys: The step's own, (kv_heads, tokens, head_dim).
        values: Likewise.
        scaling: Factor of the scores.
    """

    packed: torch.Tensor
    keys: torch.Tensor
    values: torch.Tensor
    scaling: float | None

    def of_many(
        self, first: int, last: int, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None
    ) -> Part:
        """Tokens [first, last) over (1, kv_heads, positions, head_dim): the queries of a group as if of one head."""
        _, kv_heads, group, head_dim = self.packed.shape
        query = self.packed[first:last].permute(1, 2, 0, 3).reshape(1, kv_heads, -1, head_dim)
        out, total = _flash(query, keys, values, 0.0, False, attn_mask=mask, scale=self.scaling)
        out = out.view(kv_heads, group, last - first, head_dim).permute(2, 0, 1, 3)
        return out, total.view(kv_heads, group, last - first).permute(2, 0, 1)

    def among_themselves(self, first: int, last: int) -> Part:
        """Tokens [first, last) of one row, causally."""
        group = self.packed.shape[2]
        query = self.packed[first:last].permute(1, 2, 0, 3)  # (kv_heads, group, tokens, head_dim)
        keys, values = (x[:, None, first:last].expand(-1, group, -1, -1) for x in (self.keys, self.values))
        out, total = _flash(query, keys, values, 0.0, True, scale=self.scaling)
        return out.permute(2, 0, 1, 3), total.permute(2, 0, 1)


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
        groups: How a quantized cache is encoded; None for none.
    """

    def __init__(
        self,
        model: Any,
        pool: CpuPool,
        layers: Sequence[LayerShape],
        max_step_tokens: int,
        groups: Groups | None = None,
    ) -> None:
        self.pool: CpuPool = pool
        self.pool.is_finite, self._groups = groups is None, groups
        self.max_step_tokens = max_step_tokens
        self._model, self._layers = model, layers
        self._attending = Attending(model)

    def pack(self, rows: Sequence[Row]) -> PackedStep:
        """Rows as one step, sorted by block table, so that those that share a stretch of the cache are neighbours."""
        order = sorted(range(len(rows)), key=lambda i: (rows[i].layout is not None, list(rows[i].blocks)))
        return packed_step(rows, order, self.pool.block_size)

    def start(self, step: PackedStep) -> Callable[[], list[RowResult]]:
        """Carry out a step."""
        found = results(self.logits(step), step)
        return lambda: found

    def logits(self, step: PackedStep) -> torch.Tensor:
        """The logits of a step's `keep`, (len(keep), vocabulary)."""
        plan = CpuPlan(self.pool, self._layers, step) if step.is_plain else self._compressed(step)
        with torch.inference_mode(), self._attending.through(plan):
            logits: torch.Tensor = self._model(
                input_ids=torch.tensor([step.ids]),
                position_ids=torch.tensor([step.positions]),
                use_cache=False,
                logits_to_keep=torch.tensor(step.keep, dtype=torch.long),
            ).logits[0]
            if isinstance(plan, CompressedPlan):
                plan.commit()
        return logits

    def _compressed(self, step: PackedStep) -> CompressedPlan:
        size, ordinary = self.pool.block_size, step.rows[: step.num_ordinary]
        inner = (
            CpuPlan(self.pool, self._layers, packed_step(ordinary, range(len(ordinary)), size)) if ordinary else None
        )
        return CompressedPlan(inner, self.pool, step, size, self._groups, self.pool.keys[0].device)
