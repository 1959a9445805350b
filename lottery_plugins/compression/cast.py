"""`cast`: load the weights in a type of 16 bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.compression.checks import check_one_of
from lottery_plugins.protocols.compression import Stage
from lottery_plugins.protocols.plugin import option

__all__ = ["Cast"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Load all weights in bfloat16 or float16, and compute in it: the plainest ticket.

    Halves a checkpoint of float32; does nothing for one that has this type already. bfloat16 keeps the range of float32
    with 8 bits of precision, float16 has 11 bits and ends at 65504.

    Args:
        dtype: The type.

    Raises:
        ConfigError: If dtype is another.

    Cost: 16 bits a weight. On a CPU bfloat16 is fast where the machine has instructions for it, float16 slow.
    """

    name: ClassVar[str] = "cast"
    summary: ClassVar[str] = "All weights loaded in bfloat16 or float16."
    stage: ClassVar[Stage] = "load"
    order: ClassVar[int] = 0

    dtype: str = option("bfloat16", "type of the weights", allowed="bfloat16 or float16")

    def __post_init__(self) -> None:
        check_one_of("compression: cast.dtype", self.dtype, ("bfloat16", "float16"))

    def load_arguments(self) -> Mapping[str, str]:
        """The type, for `from_pretrained`."""
        return {"dtype": self.dtype}
