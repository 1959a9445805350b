"""`layer-drop`: whole decoder layers are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lottery_plugins.compression.calibration import Calibrated
from lottery_plugins.compression.checks import check_at_least, check_ratio
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import CalibrationData, Stage, removed_count
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["LayerDrop"]


@dataclass(frozen=True, kw_only=True)
class LayerDrop(Calibrated):
    """Remove the decoder layers that change their input least: block influence, 1 - cos(input, output) per token.

    Influences are found once, on the original model. The others are numbered anew, and so are the layers of the cache.

    Args:
        ratio: Fraction of the layers removed, rounded down, in [0, 1).
        num_layers: Layers removed; ratio is not used then.
        num_calibration: See `Calibrated`, here and below.
        sequence_length: Tokens of each sequence.
        calibration: The text.
        calibration_seed: Draws documents and windows.

    Raises:
        ConfigError: If a value is outside its range, the model has too few layers, or its layers depend on each other.

    Cost: one forward pass over num_calibration * sequence_length tokens.
    Source: Men et al. 2024 (ShortGPT), arXiv:2403.03853.
    """

    name: ClassVar[str] = "layer-drop"
    summary: ClassVar[str] = "Leave out the decoder layers that change their input least on calibration text."
    stage: ClassVar[Stage] = "weights"
    order: ClassVar[int] = 5
    source: ClassVar[str] = "Men et al. 2024, arXiv:2403.03853"

    ratio: float = option(0.1, "layers removed", unit="fraction removed", allowed="[0, 1)")
    num_layers: int | None = option(None, "layers removed, in place of ratio", unit="layers", allowed=">= 0")

    def __post_init__(self) -> None:
        check_ratio("compression: layer-drop.ratio", self.ratio)
        if self.num_layers is not None:
            check_at_least("compression: layer-drop.num_layers", self.num_layers, 0)
        self.check_calibration()

    @property
    def needs_calibration(self) -> bool:
        """Not where nothing is removed."""
        return self.ratio > 0 if self.num_layers is None else self.num_layers > 0

    def compress(self, model: Any, calibration: CalibrationData | None) -> Any:
        """A model with fewer layers, whose tensors are those of the given one."""
        from lottery_plugins.compression.structure import decoder_layers, structural_clone
        from lottery_plugins.compression.weights.layers import keep_layers

        clone = structural_clone(model)
        total = len(decoder_layers(clone, self.name)[1])
        removed = removed_count(total, self.ratio) if self.num_layers is None else self.num_layers
        if removed >= total:
            where = "compression: layer-drop.num_layers"
            raise ConfigError(where, removed, f"at most {total - 1}", f"The model has {total} layers.")
        if removed:
            influence = self._influences(clone, calibration)
            least = influence.argsort(stable=True)[:removed].tolist()
            keep_layers(clone, [index for index in range(total) if index not in least], self.name)
        return clone

    def _influences(self, model: Any, calibration: CalibrationData | None) -> torch.Tensor:
        """The block influence of every layer, (layers,)."""
        import torch

        from lottery_plugins.compression.structure import decoder_layers

        if calibration is None:
            raise ConfigError("compression: layer-drop", None, "calibration data", "Let `compression.apply` make it.")
        layers = decoder_layers(model, self.name)[1]
        total = torch.zeros(len(layers), dtype=torch.float64)

        def watch(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            before = (args[0] if args else kwargs["hidden_states"]).float()
            after = (output[0] if isinstance(output, tuple) else output).float()
            total[places[layer]] += (1 - torch.cosine_similarity(before, after, dim=-1)).double().sum().cpu()

        places = {layer: index for index, layer in enumerate(layers)}
        handles = [layer.register_forward_hook(watch, with_kwargs=True) for layer in layers]
        try:
            with torch.no_grad():
                for row in calibration.input_ids:
                    model.base_model(input_ids=torch.tensor([row], device=model.device), use_cache=False)
        finally:
            for handle in handles:
                handle.remove()
        return total
