"""Built-in compression methods. Importing this package loads no torch: methods load it when they run."""

from lottery_plugins.compression.cast import Cast
from lottery_plugins.compression.kv.h2o import H2O
from lottery_plugins.compression.kv.key_norm import KeyNorm
from lottery_plugins.compression.kv.kv_quant import KVQuant
from lottery_plugins.compression.kv.pyramid_kv import PyramidKV
from lottery_plugins.compression.kv.snapkv import SnapKV
from lottery_plugins.compression.kv.streaming_llm import StreamingLLM
from lottery_plugins.compression.kv.tova import TOVA
from lottery_plugins.compression.libraries.bnb_int8 import BnbInt8
from lottery_plugins.compression.libraries.bnb_nf4 import BnbNf4
from lottery_plugins.compression.libraries.gguf_method import Gguf
from lottery_plugins.compression.libraries.hqq_method import Hqq
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
    "H2O",
    "METHODS",
    "SVD",
    "TOVA",
    "BnbInt8",
    "BnbNf4",
    "Cast",
    "Gguf",
    "Hqq",
    "Int4",
    "Int8",
    "KVQuant",
    "KeyNorm",
    "LayerDrop",
    "Magnitude",
    "PyramidKV",
    "RoundToNearest",
    "SnapKV",
    "SparseGPT",
    "StreamingLLM",
    "Wanda",
]

METHODS: tuple[type, ...] = (
    AWQ,
    GPTQ,
    BnbInt8,
    BnbNf4,
    Cast,
    Gguf,
    H2O,
    Hqq,
    Int4,
    Int8,
    KVQuant,
    KeyNorm,
    LayerDrop,
    Magnitude,
    PyramidKV,
    RoundToNearest,
    SVD,
    SnapKV,
    SparseGPT,
    StreamingLLM,
    TOVA,
    Wanda,
)
"""The built-in method classes, by name."""
