"""`PackedRunner`: the runner of transformers models, on the CPU or one device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

from lottery_plugins.backends.packed.cache import LayerShape, bytes_per_position
from lottery_plugins.backends.packed.compressor import Compressor
from lottery_plugins.backends.packed.groups import Groups
from lottery_plugins.backends.packed.observed import ObservedQueries
from lottery_plugins.backends.packed.options import PackedOptions
from lottery_plugins.backends.packed.steps import Executor
from lottery_plugins.engine.compression import CacheMethods
from lottery_plugins.protocols.kv_cache import Demands
from lottery_plugins.protocols.runner import Held, Observed, OutOfMemoryInStepError, Row, RowResult

__all__ = ["PackedRunner"]

_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "bad alloc")  # in a RuntimeError


class PackedRunner:
    """Runs a transformers causal model over a block cache; see `protocols.runner`. Made by `build_runner`.

    Args:
        executor: Carries out steps.
        layers: Shapes of the model's layers.
        num_blocks: Blocks of the executor's pool.
        options: How to use the machine.
        max_length: Most positions of one sequence that the model allows; None: as many as there are.
        methods: What compresses the cache; None for nothing.

    Attributes:
        methods: As given: the engine is told of them too.
    """

    def __init__(
        self,
        executor: Executor,
        layers: Sequence[LayerShape],
        num_blocks: int,
        options: PackedOptions,
        *,
        max_length: int | None = None,
        methods: CacheMethods | None = None,
    ) -> None:
        self.block_size, self.num_blocks = options.block_size, num_blocks
        positions = num_blocks * options.block_size
        self.max_length = positions if max_length is None else min(max_length, positions)
        self.max_step_tokens = executor.max_step_tokens
        self._executor, self._layers, self.methods = executor, layers, methods

    @property
    def cache_bytes(self) -> int:
        """Size of the whole cache, used or not."""
        return bytes_per_position(self._layers) * self.num_blocks * self.block_size

    @property
    def threads(self) -> int:
        """Threads that PyTorch computes with."""
        return int(torch.get_num_threads())

    def begin(self, rows: Sequence[Row]) -> Callable[[], list[RowResult]]:
        """Start one forward pass over all rows; see `Runner.begin`."""
        with _memory_named():
            finish = self._executor.start(self._executor.pack(rows))

        def wait() -> list[RowResult]:
            with _memory_named():
                return finish()

        return wait

    def copy(self, source: int, target: int, num_positions: int) -> None:
        """Copy the first positions of a block into another one, in all layers."""
        self._executor.pool.copy_block(source, target, num_positions)

    def observer(self) -> ObservedQueries:
        """For the rows of a new sequence; see `Runner.observer`."""
        return ObservedQueries(self.methods.wants if self.methods else Demands())

    def compress(self, source: Held, target: Held, observed: Observed | None) -> None:
        """Let the methods act on a cache; see `Runner.compress`.

        Raises:
            ConfigError: There is no press.
            BackendError: The press gave scores that are not finite or not one per position and head.
        """
        press, groups = self.methods.press if self.methods else None, Groups.of(self.methods)
        work = Compressor(self._executor.pool, self._layers, self.block_size, press, groups)
        with _memory_named(), torch.inference_mode():
            work.compress(source, target, observed if isinstance(observed, ObservedQueries) else None)


@contextmanager
def _memory_named() -> Iterator[None]:
    """Turns every way in which torch says that memory ran out into `OutOfMemoryInStepError`."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise OutOfMemoryInStepError(str(error)) from error
    except RuntimeError as error:
        if any(words in str(error).lower() for words in _NO_MEMORY):
            raise OutOfMemoryInStepError(str(error)) from error
        raise
