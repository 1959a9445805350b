"""Built-in compression methods. Importing this package loads no torch: methods load it when they run."""

from lottery_plugins.compression.key_norm import KeyNorm
from lottery_plugins.compression.streaming_llm import StreamingLLM
from lottery_plugins.compression.weights.awq import AWQ
from lottery_plugins.compression.weights.gptq import GPTQ
from lottery_plugins.compression.weights.int4 import Int4
from lottery_plugins.compression.weights.int8 import Int8
from lottery_plugins.compression.weights.layer_drop import LayerDrop
from lottery_plugins.compression.weights.magnitude import Magnitude
from lottery_plugins.compression.weights.rtn import RoundToNearest
from lottery_plugins.compression.weights.sparsegpt import SparseGPT
from lottery_plugins.compression.weights.svd import SVD
from lottery_plugins.compression.weights.wanda import Wanda

__all__ = [
    "AWQ",
    "GPTQ",
    "METHODS",
    "SVD",
    "Int4",
    "Int8",
    "KeyNorm",
    "LayerDrop",
    "Magnitude",
    "RoundToNearest",
    "SparseGPT",
    "StreamingLLM",
    "Wanda",
]

METHODS: tuple[type, ...] = (
    AWQ,
    GPTQ,
    Int4,
    Int8,
    KeyNorm,
    LayerDrop,
    Magnitude,
    RoundToNearest,
    SVD,
    SparseGPT,
    StreamingLLM,
    Wanda,
)
"""The built-in method classes, by name."""
