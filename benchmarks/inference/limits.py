"""What this machine could do: read bandwidth and matrix products, and the least seconds that a load needs with them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch

from .loads import MultiStepLoad

__all__ = ["Limits", "Shape", "least_seconds", "measure_limits"]

_ROWS = (8, 32, 128, 512)


@dataclass(frozen=True)
class Shape:
    """What of a model decides the work of a step."""

    matrices: tuple[tuple[int, int], ...]  # (out, in) of one layer's linear maps
    layers: int
    head: tuple[int, int]  # (vocabulary, hidden)
    query_size: int  # heads * head_dim
    cache_size: int  # floats a token and layer: keys and values

    @classmethod
    def of(cls, model: Any) -> Shape:
        """Read from a Llama-like model."""
        layers = model.model.layers
        matrices = tuple((m.out_features, m.in_features) for m in layers[0].modules() if isinstance(m, torch.nn.Linear))
        c = model.config
        head_dim = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
        return cls(
            matrices,
            len(layers),
            (c.vocab_size, c.hidden_size),
            c.num_attention_heads * head_dim,
            2 * c.num_key_value_heads * head_dim,
        )

    @property
    def layer_weights(self) -> int:
        return self.layers * sum(out * width for out, width in self.matrices)

    @property
    def head_weights(self) -> int:
        return self.head[0] * self.head[1]


@dataclass(frozen=True)
class Limits:
    """Measured with as many threads as torch uses.

    Attributes:
        bytes_per_s: Reading memory.
        flops: By rows of a step: floating-point operations a second in the model's matrices, as dense and as
            prepacked, each read from memory as in a real step.
    """

    bytes_per_s: float
    flops: dict[str, dict[int, float]]

    def best(self, rows: int) -> float:
        """Operations a second of the better kind at the measured number of rows that is nearest from above."""
        at = next((r for r in _ROWS if r >= rows), _ROWS[-1])
        return max(kind[at] for kind in self.flops.values())

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def measure_limits(shape: Shape) -> Limits:
    """Takes some seconds and as much memory as the model's weights twice."""
    weights = [torch.randn(out, width) for _ in range(shape.layers) for out, width in shape.matrices]
    flops: dict[str, dict[int, float]] = {"dense": {}, "prepacked": {}}
    operations = 2 * sum(w.numel() for w in weights)
    for rows in _ROWS:
        inputs = {width: torch.randn(rows, width) for _, width in shape.matrices}
        dense = _best_seconds(
            lambda inputs=inputs: [torch.nn.functional.linear(inputs[w.shape[1]], w) for w in weights]
        )
        flops["dense"][rows] = operations * rows / dense
        if torch.backends.mkldnn.is_available():
            packed = [(w.shape[1], torch.ops.mkldnn._reorder_linear_weight(w, rows)) for w in weights]
            seconds = _best_seconds(lambda inputs=inputs, packed=packed: [_prepacked(inputs[n], w) for n, w in packed])
            flops["prepacked"][rows] = operations * rows / seconds
            del packed
    if not flops["prepacked"]:
        del flops["prepacked"]
    buffer = torch.ones(256_000_000 // 4)
    return Limits(buffer.numel() * 4 / _best_seconds(buffer.sum), flops)


def least_seconds(load: MultiStepLoad, shape: Shape, limits: Limits) -> float:
    """Seconds that no way can beat on this machine: all trajectories in step, nothing computed or read twice.

    A pass takes the longer of its operations at the measured rate and of its bytes at the measured bandwidth. Rows of
    the vocabulary's matrix are computed only where a token is drawn; attention runs at the matrices' rate.
    """
    seconds = 0.0
    length = load.shared
    n = load.trajectories
    for step in range(load.steps):
        new = load.observed + (1 if step else 0)  # the last token drawn in the step before
        first = load.shared * load.shared / 2 if step == 0 else 0
        pairs = n * new * (length + new / 2) + first
        seconds += _pass(
            n * new + (load.shared if step == 0 else 0), n, pairs, load.shared + n * _own(load, length), shape, limits
        )
        length += new
        for _ in range(load.generated - 1):
            length += 1
            seconds += _pass(n, n, n * length, load.shared + n * _own(load, length), shape, limits)
    return seconds


def _own(load: MultiStepLoad, length: int) -> int:
    return length - load.shared


def _pass(tokens: int, drawn: int, pairs: float, cached: int, shape: Shape, limits: Limits) -> float:
    rate = limits.best(tokens)
    operations = 2 * (tokens * shape.layer_weights + drawn * shape.head_weights)
    operations += 4 * pairs * shape.query_size * shape.layers
    read = 4 * (shape.layer_weights + shape.head_weights + cached * shape.cache_size * shape.layers)
    return float(max(operations / rate, read / limits.bytes_per_s))


def _prepacked(inputs: torch.Tensor, weight: torch.Tensor) -> Any:
    return torch.ops.mkldnn._linear_pointwise(inputs, weight, None, "none", [], "")


def _best_seconds(work: Callable[[], Any], most_s: float = 1.5) -> float:
    """The shortest of some runs: other work on the machine only ever makes a run longer."""
    work()
    best, until = float("inf"), time.perf_counter() + most_s
    while time.perf_counter() < until:
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best
