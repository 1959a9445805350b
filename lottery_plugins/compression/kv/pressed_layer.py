"""One layer of a pressed cache: keys and values, and what must be known of each position that is left."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn.functional import pad
from transformers.cache_utils import DynamicLayer

from lottery_plugins.attention_math import attention_mass
from lottery_plugins.compression.kv.eviction import kept_positions, picked
from lottery_plugins.protocols.kv_cache import (
    Demands,
    KVPress,
    KVQuantizer,
    LayerView,
    checked_score,
    encoded_count,
    kept_count,
)

__all__ = ["PressedLayer"]


class PressedLayer(DynamicLayer):  # type: ignore[misc]  # transformers is not typed
    """A growing layer that knows which of its positions are tokens. Rows are right-aligned, pads are on the left.

    Args:
        index: Of the layer.
        num_layers: Of the model.
        wanted: What a press asks for.

    Attributes:
        valid: (batch, seq_len) bool; False on padding.
        lengths: (batch,): tokens of each row's text so far, dropped ones included.
        encoded: (batch,): how many of a row's first tokens hold what decoding gives.
        queries: (batch, heads, at most as many as are wanted, head_dim), of the last positions; None for none.
        mass: (batch, kv_heads, seq_len): attention received; None where it is not wanted.
        scaling: Factor of the attention scores; None before the layer attended.
    """

    def __init__(self, index: int, num_layers: int, wanted: Demands) -> None:
        super().__init__()
        self.index, self.num_layers, self._wanted = index, num_layers, wanted
        self.keys: torch.Tensor
        self.values: torch.Tensor
        self.valid = torch.zeros(0, 0, dtype=torch.bool)
        self.lengths = self.encoded = torch.zeros(0, dtype=torch.long)
        self.queries: torch.Tensor | None = None
        self.mass: torch.Tensor | None = None
        self.scaling: float | None = None
        self._is_padded = False

    def expect(self, valid: torch.Tensor) -> None:
        """Say which of the positions that come next are tokens, (batch, num_queries); pads come first of all."""
        if not self.valid.numel():
            self.valid, self.lengths = valid, valid.sum(dim=1)
            self.encoded = torch.zeros_like(self.lengths)
            self._is_padded = not bool(valid.all())
        else:
            self.valid = torch.cat([self.valid, valid.to(self.valid.device)], dim=1)
            self.lengths = self.lengths + valid.shape[1]

    def attended(self, query: torch.Tensor, scaling: float) -> torch.Tensor | None:
        """Take notice of queries whose keys are already cached, before attention is computed.

        Args:
            query: (batch, heads, num_queries, head_dim), rotary positions applied.
            scaling: Factor of the scores.

        Returns:
            What each query sees, (batch, 1, num_queries, seq_len) bool. Padding sees itself, so that its numbers stay
            finite. None where plain causal attention does that.
        """
        if self.scaling is None:
            self._rows(lambda tensor: tensor.to(query.device))  # where this layer's weights are
        self.scaling = scaling
        num_queries, seq_len = query.shape[2], self.valid.shape[1]
        with torch.no_grad():
            if self._wanted.num_queries:
                held = query if self.queries is None else torch.cat([self.queries, query], dim=2)
                self.queries = held[:, :, -self._wanted.num_queries :]
            if self._wanted.needs_mass:
                more = attention_mass(query, self.keys, scaling, self.valid)
                self.mass = more if self.mass is None else pad(self.mass, (0, num_queries)) + more
        if num_queries in (1, seq_len) and not self._is_padded:
            return None
        place = torch.arange(seq_len, device=query.device)
        own = place[seq_len - num_queries :, None]  # (num_queries, 1)
        return ((place <= own) & self.valid[:, None, None]) | (place == own)

    def rest(self) -> None:
        """Take no more notice of queries, and forget those of before."""
        self._wanted, self.queries, self.mass = Demands(), None, None

    def drop(self, press: KVPress) -> bool:
        """Let a press choose which positions stay; whether any had to go."""
        budgets = [kept_count(press, n, self.index, self.num_layers) for n in self.lengths.tolist()]
        keep = self.lengths.new_tensor(budgets)  # (batch,)
        if bool((keep >= self.valid.sum(dim=1)).all()):
            return False
        positions, self.valid = kept_positions(checked_score(press, self._view()), self.valid, keep)
        self.keys, self.values = picked(self.keys, positions), picked(self.values, positions)
        if self.mass is not None:
            self.mass = self.mass.gather(2, positions)
        self._is_padded = not bool(self.valid.all())
        self.encoded = torch.zeros_like(self.encoded)  # other positions share a group now: all are encoded again
        return True

    def encode(self, quantizer: KVQuantizer) -> None:
        """Replace what is due in each row by what decoding gives, group by group; the newest positions are left."""
        seq_len, head_dim = self.keys.shape[2:]
        for row, (tokens, done) in enumerate(zip(self.valid.sum(dim=1).tolist(), self.encoded.tolist(), strict=True)):
            due = encoded_count(quantizer, tokens)
            if due <= done:
                continue
            span = slice(seq_len - tokens + done, seq_len - tokens + due)
            for states, encode, decode in (
                (self.keys, quantizer.encode_keys, quantizer.decode_keys),
                (self.values, quantizer.encode_values, quantizer.decode_values),
            ):
                groups = states[row, :, span].float().unflatten(1, (-1, quantizer.group_size))
                states[row, :, span] = decode(encode(groups), head_dim).flatten(1, 2).to(states.dtype)
            self.encoded[row] = due

    def packed_bytes(self, quantizer: KVQuantizer | None) -> int:
        """Bytes of the tokens' keys and values, those that are encoded counted as the bytes of their groups."""
        heads, _, head_dim = self.keys.shape[1:]
        encoded = int(self.encoded.sum())
        plain = (int(self.valid.sum()) - encoded) * 2 * head_dim * self.keys.element_size()
        groups = 0 if quantizer is None else encoded // quantizer.group_size * 2 * quantizer.group_bytes(head_dim)
        return int(heads * (plain + groups))

    def reorder_cache(self, beam_idx: torch.LongTensor) -> None:
        """Rows in another order, for beam search."""
        super().reorder_cache(beam_idx)
        self._rows(lambda tensor: tensor.index_select(0, beam_idx.to(tensor.device)))

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Each row several times."""
        super().batch_repeat_interleave(repeats)
        self._rows(lambda tensor: tensor.repeat_interleave(repeats, dim=0))

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Some of the rows."""
        super().batch_select_indices(indices)
        self._rows(lambda tensor: tensor[indices])

    def _view(self) -> LayerView:
        """What the press may look at. Queries are those of the last cached positions."""
        count = 0 if self.queries is None else min(self.queries.shape[2], self.valid.shape[1])
        return LayerView(
            layer=self.index,
            keys=self.keys,
            values=self.values,
            valid=self.valid,
            num_layers=self.num_layers,
            queries=None if self.queries is None else self.queries[:, :, -count:],
            query_valid=None if self.queries is None else self.valid[:, -count:],
            scaling=1.0 if self.scaling is None else self.scaling,
            mass=self.mass,
        )

    def _rows(self, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
        for name in ("valid", "lengths", "encoded", "queries", "mass"):
            tensor = getattr(self, name)
            if tensor is not None:
                setattr(self, name, change(tensor))
