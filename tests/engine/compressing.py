"""KV-cache methods of numbers alone, and what a compressed session must give: worked out on lists, token by token."""

from dataclasses import dataclass

from core_runs import VOCABULARY
from hypothesis import strategies as st

from lottery_plugins.engine.compression import CacheMethods
from lottery_plugins.protocols.kv_cache import encoded_count, kept_count
from lottery_plugins.testing.fake_runner import FakeObserved, best_cells, next_token


@dataclass(frozen=True)
class Press:
    compression_ratio: float = 0.5
    num_queries: int = 0
    needs_mass: bool = False
    prefill_interval: int = 0
    decoding_interval: int = 0
    name = "counting"

    def score(self, view):
        raise NotImplementedError


@dataclass(frozen=True)
class FallingPress(Press):
    """Later layers keep less; the second keeps a fixed number."""

    def kept_in_layer(self, num_tokens, layer, num_layers):
        return 7 if layer == 1 else num_tokens * (num_layers - layer) // (num_layers + 1)


@dataclass(frozen=True)
class Quantizer:
    group_size: int = 4
    residual: int = 3
    decoding_interval: int = 0


presses = st.builds(
    lambda cls, **options: cls(**options),
    st.sampled_from([Press, FallingPress]),
    compression_ratio=st.sampled_from([0.1, 0.5, 0.9]),
    num_queries=st.sampled_from([0, 1, 6]),
    needs_mass=st.booleans(),
    prefill_interval=st.sampled_from([0, 1, 5, 16]),
    decoding_interval=st.sampled_from([0, 1, 3]),
)
quantizers = st.builds(
    Quantizer,
    group_size=st.sampled_from([2, 4, 5]),
    residual=st.sampled_from([0, 1, 6]),
    decoding_interval=st.sampled_from([0, 1, 4]),
)


def joined(press, quantizer, slots=2, layers=3):
    slots = min(slots, quantizer.group_size) if quantizer else 0
    sizes = dict(position_bytes=(8,) * layers, group_bytes=(8 * slots,) * layers, group_slots=slots)
    return CacheMethods(press=press, quantizer=quantizer, **sizes)


methods = st.one_of(
    st.builds(joined, presses, st.none()),
    st.builds(joined, st.none(), quantizers, st.sampled_from([1, 2])),
    st.builds(joined, presses, quantizers, st.sampled_from([1, 2])),
)


class Reference:
    """One session by itself."""

    def __init__(self, methods):
        self.methods, self.ids = methods, []
        self._begin()

    def _begin(self):
        self.layers = [[] for _ in self.methods.position_bytes]
        self.text = self.pressed_at = self.encoded_at = 0
        self.changed = False
        self.observed = FakeObserved()

    def generate(self, new_ids, max_tokens):
        self.ids += new_ids
        if not self.changed:  # a text of its own
            self._begin()
        token = self._prompt()
        drawn = [token]
        while len(drawn) < max_tokens:
            self.ids.append(token)
            self._read(token, self.methods.observes_decoding)
            token = self.next_token()
            drawn.append(token)
            quantizer = self.methods.quantizer
            if self._is_due(self.methods.wants.decoding_interval, self.pressed_at):
                self._press()
            if quantizer and self._is_due(quantizer.decoding_interval, self.encoded_at):
                self._encode()
        self.ids.append(token)
        return tuple(drawn)

    def score(self, context, continuation):
        self.ids += context
        found = [self._prompt()]
        for token in continuation[:-1]:
            self._read(token, False)
            found.append(self.next_token())
        return tuple(-1.0 - drawn - token / 100 for drawn, token in zip(found, continuation, strict=True))

    def next_token(self):
        return next_token([cell for layer in self.layers for cell in layer], VOCABULARY)

    def _prompt(self):
        """Read all that was not read; the token that follows it."""
        for token in self.ids[self.text :]:
            self._read(token, True)
            if self.text == len(self.ids):
                drawn = self.next_token()
                self._press()
                self._encode()
            elif self._is_due(self.methods.wants.prefill_interval, self.pressed_at):
                self._press()
        return drawn

    def _is_due(self, interval, since):
        return interval and self.text - since >= interval

    def _read(self, token, observe):
        if observe:
            self.observed.note([token], self.text)
        for layer in self.layers:
            layer.append((token, self.text))
        self.text += 1

    def _press(self):
        if self.methods.press:
            told = self.observed.told(self.methods.wants) if self.methods.observes else ()
            for i, layer in enumerate(self.layers):
                keep = kept_count(self.methods.press, self.text, i, len(self.layers))
                if keep < len(layer):
                    self.layers[i] = [layer[j] for j in best_cells(layer, keep, i, told)]
                    self.changed = True
            self.pressed_at = self.text

    def _encode(self):
        """What is encoded is not seen, but that a cache was changed is."""
        if self.methods.quantizer:
            self.changed |= any(encoded_count(self.methods.quantizer, len(layer)) for layer in self.layers)
            self.encoded_at = self.text
