"""Options of the packed engine that concern the runner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lottery_plugins.errors import ConfigError

__all__ = ["PackedOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedOptions:
    """How the packed runner uses the machine. None of them changes what a model computes, beyond rounding.

    Attributes:
        kv_cache_gb: Size of the cache, in 10^9 bytes. None: on the CPU a quarter of the memory that is available now,
            at most 8; on a device 85 % of what is free there.
        block_size: Positions a block: the unit in which caches are shared. On a device its kernel decides.
        max_step_tokens: Most tokens of one step. None: measured to be good for the device.
        threads: Threads of PyTorch on the CPU. None: one per core that this process may use.
        prepack: "on": linear layers on the CPU keep a copy of their weights in oneDNN's own layout where that is
            faster; "auto": likewise, where memory is plentiful; "off": never.
        cuda_graphs: Whether a device replays decode steps as captured graphs.
        batch_invariant: Whether attention of a row on a device must not depend on the rows beside it, to the bit.
            Slower; matrix products still choose their kernel by the number of rows.

    Raises:
        ConfigError: A value is not allowed.
    """

    kv_cache_gb: float | None = None
    block_size: int = 16
    max_step_tokens: int | None = None
    threads: int | None = None
    prepack: Literal["auto", "on", "off"] = "auto"
    cuda_graphs: bool = True
    batch_invariant: bool = False

    def __post_init__(self) -> None:
        if self.kv_cache_gb is not None and not 0 < self.kv_cache_gb < float("inf"):
            raise ConfigError("engine: packed.kv_cache_gb", self.kv_cache_gb, "a number above 0", "Try 2.")
        for name in ("block_size", "max_step_tokens", "threads"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int) and value >= 1):
                raise ConfigError(f"engine: packed.{name}", value, "a whole number of at least 1")
        if self.prepack not in ("auto", "on", "off"):
            raise ConfigError("engine: packed.prepack", self.prepack, "auto, on or off")
