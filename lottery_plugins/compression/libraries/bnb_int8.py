"""`bnb-int8`: LLM.int8(), eight-bit weights and activations, by bitsandbytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import CalibrationData, Stage
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    from torch import nn

__all__ = ["BnbInt8"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BnbInt8:
    """Round weights and activations to 255 levels and multiply integers; keep large activations out of it.

    A scale for each output channel and each token. Activations of at least `threshold` are multiplied in their own type
    by the widened weights. Acts on all linear layers but the output head; uses no data.

    Args:
        threshold: Magnitude from which on an activation is an outlier; 0: none is.

    Raises:
        ConfigError: If threshold is negative.

    Cost: 8 bits a weight and 32 a row; integer products where the machine has them.
    Source: Dettmers et al. 2022 (LLM.int8()), arXiv:2208.07339; the package bitsandbytes.
    Deviation: bitsandbytes takes whole columns out of the integer product where any token of the batch has an outlier,
    so a token's result depends on its neighbours. Here an outlier is a single activation. For one token both are the
    same.
    """

    name: ClassVar[str] = "bnb-int8"
    summary: ClassVar[str] = "8-bit weights and activations with outliers apart (LLM.int8()), by bitsandbytes."
    stage: ClassVar[Stage] = "weights"
    order: ClassVar[int] = 20
    needs_calibration: ClassVar[bool] = False
    source: ClassVar[str] = "Dettmers et al. 2022, arXiv:2208.07339"
    requires: ClassVar[tuple[tuple[str, str], ...]] = (("bitsandbytes", "pip install 'lottery-plugins[compression]'"),)

    threshold: float = option(6.0, "magnitude of an outlier; 0 for none", allowed=">= 0")

    def __post_init__(self) -> None:
        value = self.threshold
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise ConfigError("compression: bnb-int8.threshold", value, "a number of at least 0", "6 is usual.")

    def compress(self, model: Any, calibration: CalibrationData | None = None) -> Any:
        """A model whose linear layers store int8; it shares all other tensors with the given one."""
        from lottery_plugins.compression.libraries.bnb_linear import LlmInt8Linear
        from lottery_plugins.compression.structure import replace_linears

        def quantize(_: str, linear: nn.Linear) -> nn.Module:
            return LlmInt8Linear.rounded(linear, self.threshold)

        return replace_linears(model, quantize, where=self.name)
