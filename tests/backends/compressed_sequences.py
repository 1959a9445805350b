"""Presses and a quantizer for tests, and one sequence under them: token by token in the model's own cache, from which
positions are dropped and in which groups are rounded by hand.
"""

from dataclasses import dataclass

import torch
from transformers import AttentionInterface, DynamicCache

from lottery_plugins.attention_math import attention_probabilities, rounded
from lottery_plugins.protocols.kv_cache import LayerView, demands, encoded_count, kept_count

_SEEN = {}


@dataclass(frozen=True)
class Press:
    compression_ratio: float = 0.5
    prefill_interval: int = 0
    decoding_interval: int = 0
    name = "test-press"

    def score(self, view):
        return rounded(-view.keys.norm(dim=-1))


@dataclass(frozen=True)
class Window(Press):
    """As SnapKV: what the last queries look at, and the last positions themselves."""

    num_queries: int = 5

    def score(self, view):
        seen = attention_probabilities(view.queries, view.keys, view.scaling).mean(dim=(2, 3))
        seen[..., -view.queries.shape[2] :] = 2.0
        return rounded(seen)


@dataclass(frozen=True)
class Heavy(Press):
    """As H2O."""

    needs_mass: bool = True

    def score(self, view):
        return rounded(view.mass, 9)


@dataclass(frozen=True)
class Falling(Window):
    """As PyramidKV: budgets of layers."""

    def kept_in_layer(self, num_tokens, layer, num_layers):
        return round(2 * num_tokens * (1 - self.compression_ratio) * (num_layers - layer) / (num_layers + 1))


@dataclass(frozen=True)
class Bytes:
    """Keys by channel, values by token; 8 bits, with the smallest and the step as float32."""

    group_size: int = 8
    residual: int = 5
    decoding_interval: int = 0
    name = "test-bytes"

    def group_bytes(self, head_dim):
        return self.group_size * head_dim + 8 * max(head_dim, self.group_size)

    def encode_keys(self, keys):
        return self._encode(keys, -2)

    def encode_values(self, values):
        return self._encode(values, -1)

    def decode_keys(self, data, head_dim):
        return self._decode(data, head_dim, -2)

    def decode_values(self, data, head_dim):
        return self._decode(data, head_dim, -1)

    def _encode(self, states, dim):
        low = states.amin(dim=dim, keepdim=True)
        step = (states.amax(dim=dim, keepdim=True) - low) / 255 + 1e-9
        codes = ((states - low) / step).round().to(torch.uint8).flatten(-2)
        scales = torch.cat([low, step], dim=dim).flatten(-2).contiguous().view(torch.uint8)
        missing = self.group_bytes(states.shape[-1]) - codes.shape[-1] - scales.shape[-1]
        return torch.nn.functional.pad(torch.cat([codes, scales], dim=-1), (0, missing))

    def _decode(self, data, head_dim, dim):
        count = self.group_size * head_dim
        codes = data[..., :count].float().unflatten(-1, (self.group_size, head_dim))
        size = head_dim if dim == -2 else self.group_size
        scales = data[..., count : count + 8 * size].contiguous().view(torch.float32)
        pair = scales.unflatten(-1, (2, size) if dim == -2 else (size, 2))
        low, step = pair.split(1, dim=dim)
        return codes * step + low


def _attention(module, query, key, value, attention_mask, scaling=None, **kwargs):
    """Of one token over all that its layer has; notes the query and what it looks at."""
    probability = attention_probabilities(query, key, scaling)[:, :, :, 0]  # (1, kv_heads, group, positions)
    _SEEN[module.layer_idx] = query, probability.mean(dim=2), scaling
    out = probability @ value.float()
    return out.flatten(1, 2)[:, None].to(query.dtype), None


AttentionInterface.register("noting", _attention)


class Sequence:
    """One session by itself."""

    def __init__(self, made, press=None, quantizer=None):
        self.made, self.press, self.quantizer = made, press, quantizer
        self.wants = demands(press) if press else None
        self.ids = []
        self._begin()

    def _begin(self):
        self.cache = DynamicCache(config=self.made.config)
        self.num_layers = self.made.config.num_hidden_layers
        self.encoded = [0] * self.num_layers
        self.queries = [[] for _ in range(self.num_layers)]
        self.mass = [torch.zeros(1, 1, 0)] * self.num_layers
        self.read = self.pressed_at = self.encoded_at = 0
        self.changed = False

    def generate(self, new_ids, max_tokens):
        self.ids += new_ids
        if not self.changed:
            self._begin()
        logits = self._prompt()
        for count in range(max_tokens):
            self.ids.append(int(logits.argmax()))
            if count == max_tokens - 1:
                return tuple(self.ids[-max_tokens:])
            logits = self._forward(self.wants is not None and (self.wants.needs_mass or self.wants.decoding_interval))
            if self.wants and self._is_due(self.wants.decoding_interval, self.pressed_at):
                self._press()
            if self.quantizer and self._is_due(self.quantizer.decoding_interval, self.encoded_at):
                self._encode()

    def score(self, context, continuation):
        self.ids += context
        logits, found = self._prompt(), []
        for token in continuation:
            found.append(float(logits.log_softmax(-1)[token]))
            self.ids.append(token)
            logits = self._forward(False)
        return found

    def _prompt(self):
        while self.read < len(self.ids):
            logits = self._forward(True)
            if self.read == len(self.ids):
                self._press()
                self._encode()
            elif self.wants and self._is_due(self.wants.prefill_interval, self.pressed_at):
                self._press()
        return logits

    def _is_due(self, interval, since):
        return interval and self.read - since >= interval

    def _forward(self, observe):
        config = self.made.config
        before, config._attn_implementation = config._attn_implementation, "noting"
        try:
            with torch.no_grad():
                made = self.made(
                    input_ids=torch.tensor([[self.ids[self.read]]]),
                    position_ids=torch.tensor([[self.read]]),
                    past_key_values=self.cache,
                )
        finally:
            config._attn_implementation = before
        self.read += 1
        for layer, (query, looked, self.scaling) in _SEEN.items():
            if observe:
                self.queries[layer].append(query)
                old = self.mass[layer]
                self.mass[layer] = looked + torch.nn.functional.pad(old, (0, looked.shape[2] - old.shape[2]))
            else:
                self.queries[layer] = []
        return made.logits[0, -1]

    def _press(self):
        for index, layer in enumerate(self.cache.layers if self.press else ()):
            cached = layer.keys.shape[2]
            keep = kept_count(self.press, self.read, index, self.num_layers)
            if keep >= cached:
                continue
            latest = self.queries[index][-min(getattr(self.press, "num_queries", 0), cached) :]
            view = LayerView(
                index, layer.keys, layer.values, torch.ones(1, cached, dtype=torch.bool), self.num_layers,
                torch.cat(latest, dim=2), None, self.scaling, self.mass[index],
            )  # fmt: skip
            score = self.press.score(view)[0]
            kept = score.sort(descending=True, stable=True).indices[:, :keep].sort().values[None]
            index4 = kept[..., None].expand(-1, -1, -1, layer.keys.shape[3])
            layer.keys, layer.values = layer.keys.gather(2, index4), layer.values.gather(2, index4)
            if getattr(self.press, "needs_mass", False):
                self.mass[index] = self.mass[index].gather(2, kept)
            self.encoded[index], self.changed = 0, True
            self._encode_layer(index, layer)
        self.pressed_at = self.read

    def _encode(self):
        self.encoded_at = self.read
        for index, layer in enumerate(self.cache.layers):
            self._encode_layer(index, layer)

    def _encode_layer(self, index, layer):
        first, last = self.encoded[index], encoded_count(self.quantizer, layer.keys.shape[2]) if self.quantizer else 0
        if last > first:
            self._round(layer, slice(first, last))
            self.encoded[index], self.changed = last, True

    def _round(self, layer, where):
        size, of = self.quantizer.group_size, self.quantizer
        for states, encode, decode in (
            (layer.keys, of.encode_keys, of.decode_keys),
            (layer.values, of.encode_values, of.decode_values),
        ):
            groups = states[:, :, where].unflatten(2, (-1, size)).float()
            states[:, :, where] = decode(encode(groups), states.shape[3]).flatten(2, 3).to(states.dtype)
