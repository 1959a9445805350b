"""Linear layers with compressed weights. Plain torch operations, so they run wherever torch does.

The weights are widened for each call and forgotten after it. Torch's own fp32 kernels for packed weights
(`_weight_int8pack_mm`, `_weight_int4pack_mm_for_cpu`) were 1.3 to 2.5 times slower than this on one CPU core for one
row, and 10 to 100 times for eight rows and more; they are made for bfloat16 (benchmarks/compression_kernels.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from lottery_plugins.compression.bits import pack, unpacked
from lottery_plugins.errors import ConfigError, DataError

__all__ = ["CompressedLinear", "Int8Linear", "PackedLinear", "import_layers_by"]

_DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.float16, torch.bfloat16, torch.float32)
}
"""What a layer may store; a name in a checkpoint that is not here is refused."""

_KINDS: dict[str, type[CompressedLinear]] = {}
_importers: list[Callable[[], None]] = []


def import_layers_by(importer: Callable[[], None]) -> None:
    """Let a function import what may define a kind of layer that nobody knows yet."""
    if importer not in _importers:
        _importers.append(importer)


class CompressedLinear(nn.Module, ABC):  # type: ignore[misc]  # mypy sees torch as Any
    """A linear layer whose weight is stored in fewer bytes.

    A subclass keeps its tensors as buffers or parameters of its own, names in `settings` the other attributes that its
    methods need, and gives itself a `kind`. Then it can be saved and read: `layout` says in JSON what it is, without
    its numbers, and `from_layout` makes it from that.

    Args:
        in_features: Columns of the weight.
        out_features: Rows of the weight.
        bias: Shared with the layer it comes from, as nothing changes it; None for none.
        num_zeros: Weights that are exactly zero, as pruning leaves them.

    Attributes:
        kind: Names the class in checkpoints. A subclass without one of its own is read as its parent.
        settings: Attributes beside those above that `layout` takes along; plain numbers and texts.
        bits: Bits of one stored weight, scales not counted.
    """

    kind: ClassVar[str]
    settings: ClassVar[tuple[str, ...]] = ()
    bits: int

    def __init__(
        self, in_features: int, out_features: int, bias: nn.Parameter | None = None, num_zeros: int = 0
    ) -> None:
        super().__init__()
        self.in_features, self.out_features, self.num_zeros = in_features, out_features, num_zeros
        self.register_parameter("bias", bias)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "kind" in vars(cls):
            _KINDS[cls.kind] = cls

    @property
    def multiplications(self) -> int:
        """Weights that one token is multiplied by; a subclass that multiplies by less says so."""
        return self.in_features * self.out_features

    @abstractmethod
    def dequantize(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The weight that the stored numbers stand for, (rows, cols)."""

    def layout(self) -> dict[str, Any]:
        """What this layer is, as JSON data: kind, sizes, settings, and type and shape of every tensor."""
        return {
            "kind": self.kind,
            "in_features": self.in_features,
            "out_features": self.out_features,
            "num_zeros": self.num_zeros,
            "settings": {name: getattr(self, name) for name in self.settings},
            "parameters": {name: _form(tensor) for name, tensor in self.named_parameters()},
            "buffers": {name: _form(tensor) for name, tensor in self.named_buffers()},
        }

    @staticmethod
    def from_layout(layout: Mapping[str, Any]) -> CompressedLinear:
        """A layer of that layout for `load_state_dict`; its tensors are empty, on the default device.

        Args:
            layout: From `layout`, or from a file that nobody vouches for.

        Raises:
            DataError: It is no layout, or one of a class that is not installed.
        """
        try:
            kind = layout["kind"]
            for importer in _importers if kind not in _KINDS else ():
                importer()
            if kind not in _KINDS:
                hint = "Install the package whose method made it, or update this one."
                raise DataError("checkpoint", f"has layers of kind {kind!r}, but known are {sorted(_KINDS)}", hint)
            return _KINDS[kind]._empty(layout)
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise DataError("checkpoint", f"has a layer that is not laid out as one ({error!r})") from error

    @classmethod
    def _empty(cls, layout: Mapping[str, Any]) -> CompressedLinear:
        layer = cls.__new__(cls)
        sizes = (int(layout["in_features"]), int(layout["out_features"]))
        CompressedLinear.__init__(layer, *sizes, num_zeros=int(layout["num_zeros"]))
        for name in cls.settings:
            setattr(layer, name, _plain(layout["settings"][name]))
        for name, form in layout["parameters"].items():
            layer.register_parameter(name, nn.Parameter(_empty_tensor(form), requires_grad=False))
        for name, form in layout["buffers"].items():
            layer.register_buffer(name, _empty_tensor(form))
        return layer

    def extra_repr(self) -> str:
        """The sizes, for `print(model)`."""
        return f"{self.in_features}, {self.out_features}, bits={self.bits}, bias={self.bias is not None}"


class Int8Linear(CompressedLinear):
    """Weight = integer * scale of its row."""

    kind = "int8"
    bits = 8

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__(linear.in_features, linear.out_features, linear.bias, _count_zeros(linear.weight))
        weight = linear.weight.detach().float()  # (rows, cols)
        scale = weight.abs().amax(dim=1) / 127  # (rows,)
        divisor = torch.where(scale > 0, scale, torch.ones_like(scale))
        levels = (weight / divisor[:, None]).round_().clamp_(-127, 127)
        _check_finite(scale)
        self.register_buffer("levels", levels.to(torch.int8))
        self.register_buffer("scale", scale)

    def dequantize(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The weight that the stored numbers stand for, (rows, cols)."""
        return (self.levels.float() * self.scale.float()[:, None]).to(dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply; x is (..., cols), the result (..., rows)."""
        if x.dtype == torch.float16:  # sums of unscaled integers would overflow
            return functional.linear(x, self.dequantize(x.dtype), self.bias)
        # Scaling the product is cheaper than scaling the weight, and integers up to 127 are exact in bfloat16 too.
        product = (functional.linear(x, self.levels.to(x.dtype)) * self.scale).to(x.dtype)
        return product if self.bias is None else product + self.bias


class PackedLinear(CompressedLinear):
    """Weight = (level - zero point) * scale, both of its group of columns; levels of 1 to 8 bits, packed.

    Stored transposed, because widening is then all contiguous rows (see `compression.bits`).

    Args:
        levels: (rows, cols) uint8, below 2**bits; bits * cols is a multiple of 8.
        scale: (groups, rows) of a floating type, one for each run of cols / groups columns. With float16 a level at the
            zero point gives exactly 0.
        zero: (groups, rows) whole numbers from 0 to 255: the level that stands for 0.
        bits: Bits of a level.
        bias: Shared, or None.
        num_zeros: Weights that pruning had set to zero.
        in_features: Columns of the weight where the last ones only fill up groups and bytes; None: all.
    """

    kind = "packed"
    settings = ("bits",)

    def __init__(
        self,
        levels: torch.Tensor,
        scale: torch.Tensor,
        zero: torch.Tensor,
        bits: int,
        bias: nn.Parameter | None = None,
        num_zeros: int = 0,
        in_features: int | None = None,
    ) -> None:
        rows, cols = levels.shape
        super().__init__(in_features or cols, rows, bias, num_zeros)
        _check_finite(scale)
        self.bits = bits
        self.register_buffer("packed", pack(levels.t().to(torch.uint8), bits))  # (cols * bits / 8, rows)
        self.register_buffer("scale", scale.unsqueeze(1))  # (groups, 1, rows)
        self.register_buffer("zero", zero.to(torch.uint8).unsqueeze(1))  # (groups, 1, rows)

    def dequantize(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The weight that the stored numbers stand for, (rows, cols)."""
        return self._widened().t().to(dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply; x is (..., cols), the result (..., rows)."""
        product = x @ self._widened().to(x.dtype)
        return product if self.bias is None else product + self.bias

    def _widened(self) -> torch.Tensor:
        """The weight transposed, (cols, rows), float32."""
        levels = unpacked(self.packed, self.bits)  # (cols, rows)
        grouped = levels.view(self.scale.shape[0], -1, self.out_features)  # (groups, group_size, rows)
        scale = self.scale.float()
        # In place; zero * scale is exact in float32 (11 + 8 bits), so a level at the zero point gives exactly 0.
        return torch.addcmul(-(self.zero * scale), grouped, scale, out=grouped).view_as(levels)[: self.in_features]


def _count_zeros(weight: torch.Tensor) -> int:
    return int(weight.numel() - torch.count_nonzero(weight))


def _form(tensor: torch.Tensor) -> list[Any]:
    """Type and shape of a tensor, as JSON data."""
    return [str(tensor.dtype).removeprefix("torch."), *tensor.shape]


def _empty_tensor(form: Any) -> torch.Tensor:
    """The inverse of `_form`, without the numbers."""
    dtype, *shape = form
    return torch.empty([int(size) for size in shape], dtype=_DTYPES[dtype])


def _plain(value: Any) -> Any:
    if not isinstance(value, int | float | str | None):
        raise TypeError(f"a setting is a plain value, not {type(value).__name__}")
    return value


def _check_finite(scale: torch.Tensor) -> None:
    if not torch.isfinite(scale).all():
        raise ConfigError(
            "compression", "weights that are not finite or too large", "finite weights below 65504", "Check the model."
        )
