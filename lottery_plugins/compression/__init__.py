"""Built-in compression methods. Importing this package loads no torch: methods load it when they run."""

from lottery_plugins.compression.cast import Cast
from lottery_plugins.compression.int4 import Int4
from lottery_plugins.compression.int8 import Int8
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
from lottery_plugins.compression.wanda import Wanda

__all__ = [
    "H2O",
    "METHODS",
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
    "PyramidKV",
    "SnapKV",
    "StreamingLLM",
    "Wanda",
]

METHODS: tuple[type, ...] = (
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
    PyramidKV,
    SnapKV,
    StreamingLLM,
    TOVA,
    Wanda,
)
"""The built-in method classes, by name."""
