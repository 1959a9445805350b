"""What the built-in presses share: how much they remove, when, and which positions they never give up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lottery_plugins.compression.checks import check_at_least, check_ratio
from lottery_plugins.protocols.compression import Stage, removed_count
from lottery_plugins.protocols.kv_cache import LayerView
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    import torch

__all__ = ["Press", "newest_first"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Options of a method that drops cached positions. A method adds `score`, and `check` for options of its own.

    Args:
        compression_ratio: Fraction of the text's positions removed in each layer and head, in [0, 1). Of n positions
            n - floor(ratio * n) stay.
        prefill_interval: Remove also after every so many tokens of the prompt, before the next are read: reading a long
            prompt then takes less memory, and is less exact. 0: when all of it was read.
        decoding_interval: Remove also after every so many generated tokens, then by the length of all text so far.
            0: generated tokens stay.

    Raises:
        ConfigError: If a value is outside its range.
    """

    name: ClassVar[str]
    stage: ClassVar[Stage] = "kv-cache"
    order: ClassVar[int] = 30
    needs_mass: ClassVar[bool] = False

    compression_ratio: float = option(0.5, "cached positions dropped", unit="fraction removed", allowed="[0, 1)")
    prefill_interval: int = option(0, "drop also while reading a prompt, 0: at its end", unit="tokens", allowed=">= 0")
    decoding_interval: int = option(0, "drop also while generating, 0: never", unit="tokens", allowed=">= 0")

    def __post_init__(self) -> None:
        check_ratio(self.where("compression_ratio"), self.compression_ratio)
        check_at_least(self.where("prefill_interval"), self.prefill_interval, 0)
        check_at_least(self.where("decoding_interval"), self.decoding_interval, 0)
        self.check()

    @property
    def num_queries(self) -> int:
        """Last queries that `score` looks at."""
        return 0

    def check(self) -> None:
        """Check the options of the method itself."""

    def where(self, name: str) -> str:
        """An option as an error names it."""
        return f"compression: {self.name}.{name}"

    def kept_in_layer(self, num_tokens: int, layer: int, num_layers: int) -> int:
        """Positions that a layer keeps of a text."""
        return num_tokens - removed_count(num_tokens, self.compression_ratio)

    def kept_of_cached(self, view: LayerView) -> torch.Tensor:
        """Positions that the ratio leaves of what is cached in each row, (batch,): the room a score plans with.

        At the end of a prompt they are those that stay; later, when part of the text is gone already, a few more do.
        """
        lengths = view.valid.sum(dim=1)
        kept = [self.kept_in_layer(n, view.layer, view.num_layers) for n in lengths.tolist()]
        return lengths.new_tensor(kept)


def newest_first(score: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    """Scores in which the newest positions of each row stand above all others, the newest highest.

    Args:
        score: (batch, kv_heads, seq_len), finite; pads are on the left.
        count: How many of each row, (batch,).
    """
    import torch

    place = torch.arange(score.shape[-1], device=score.device)
    is_newest = place >= score.shape[-1] - count[:, None]  # (batch, seq_len)
    return torch.where(is_newest[:, None], score.amax(dim=-1, keepdim=True) + 1 + place, score)
