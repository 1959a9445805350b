"""All layers that hold what libraries make; importing this lets `CompressedLinear.from_layout` know their kinds."""

from lottery_plugins.compression.libraries.bnb_linear import LlmInt8Linear, Nf4Linear
from lottery_plugins.compression.libraries.gguf_linear import GgufLinear
from lottery_plugins.compression.libraries.hqq_linear import HqqLinear

__all__ = ["GgufLinear", "HqqLinear", "LlmInt8Linear", "Nf4Linear"]
