"""`awq`: weights rounded to nearest after their important input columns were scaled up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lottery_plugins.compression.calibration import Calibrated
from lottery_plugins.compression.checks import check_at_least
from lottery_plugins.compression.weights.quantizing import Quantizing
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import CalibrationData
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    import torch

    from lottery_plugins.compression.weights.input_statistics import InputGram

__all__ = ["AWQ"]


@dataclass(frozen=True, kw_only=True)
class AWQ(Calibrated, Quantizing):
    """Scale the input columns that see large activations up before rounding to nearest, and what comes before down.

    The scale of a column is its mean |input| to a power, which a search finds for each group of layers that share an
    input. Its inverse is folded into the norm or the linear layer that the input comes from, so that nothing is left to
    compute; where a model has no such place (see `weights.folding`), columns are not scaled. Runs calibration text
    through the model layer by layer: a layer sees inputs from layers already quantized.

    Args:
        bits: See `Quantizing`, here and below.
        group_size: Columns that share a scale.
        symmetric: Whether the grid's middle is at 0.
        num_powers: Powers that are tried, from 0 (no scaling) on, evenly spread below 1.
        num_calibration: See `Calibrated`, here and below.
        sequence_length: Tokens of each sequence.
        calibration: The text.
        calibration_seed: Draws documents and windows.

    Raises:
        ConfigError: If a value is outside its range, or scales can be folded nowhere in the model.

    Cost: bits + 24 / group_size bits a weight. O(num_powers * rows * cols^2) for each matrix.
    Source: Lin et al. 2023, arXiv:2306.00978.
    Deviation: the search compares the outputs of the scaled layers themselves, not those of the attention or the MLP
        that they are in; weights are not clipped.
    """

    name: ClassVar[str] = "awq"
    summary: ClassVar[str] = "Weights of 2 to 8 bits, rounded after scaling columns by their activations."
    needs_calibration: ClassVar[bool] = True
    source: ClassVar[str] = "Lin et al. 2023, arXiv:2306.00978"

    num_powers: int = option(20, "powers of the activations that are tried", allowed=">= 1")

    def __post_init__(self) -> None:
        self.check_quantizing()
        self.check_calibration()
        check_at_least("compression: awq.num_powers", self.num_powers, 1)

    def compress(self, model: Any, calibration: CalibrationData | None) -> Any:
        """A model whose linear layers store packed weights; it shares all tensors with the given one but these, and the
        norms and biases that scales were folded into.
        """
        from lottery_plugins.compression.structure import replace_module, structural_clone
        from lottery_plugins.compression.weights.folding import find_folds, fold
        from lottery_plugins.compression.weights.input_statistics import InputGram
        from lottery_plugins.compression.weights.layerwise import observed_layers
        from lottery_plugins.compression.weights.rounding import round_to_nearest

        clone, folded = structural_clone(model), 0
        for layer in observed_layers(clone, calibration, InputGram, self.name):
            for place in find_folds(layer):
                weights = [layer.linears[path].weight.detach().float() for path in place.linears]
                folded += fold(layer, place, self.scale(weights, layer.seen[place.linears[0]]))
            for path, linear in layer.linears.items():
                quantized = round_to_nearest(linear, self.bits, self.group_size, symmetric=self.symmetric)
                replace_module(clone, path, quantized)
        if not folded:
            allowed = "a model in which a norm's output goes to linear layers alone"
            raise ConfigError("compression: awq", type(model).__name__, allowed, "Use gptq or rtn for this model.")
        return clone

    def scale(self, weights: list[torch.Tensor], seen: InputGram) -> torch.Tensor:
        """The factors of the input columns, (cols,), with which rounding changes outputs least."""
        import torch

        from lottery_plugins.compression.weights.rounding import rounded_values

        best, least = torch.ones_like(seen.magnitude), torch.inf
        gram = seen.gram
        for step in range(self.num_powers):
            scale = seen.magnitude.pow(step / self.num_powers).clamp(min=1e-4)
            scale = scale / (scale.max() * scale.min()).sqrt()
            change = 0.0
            for weight in weights:
                values = rounded_values(weight * scale, self.bits, self.group_size, symmetric=self.symmetric)
                error = values / scale - weight
                change += float(((error @ gram) * error).sum())
            if change < least:
                best, least = scale, change
        return best
