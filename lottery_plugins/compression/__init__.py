"""Built-in compression methods. Importing this package loads no torch: methods load it when they run."""

from lottery_plugins.compression.int4 import Int4
from lottery_plugins.compression.int8 import Int8
from lottery_plugins.compression.kv.h2o import H2O
from lottery_plugins.compression.kv.key_norm import KeyNorm
from lottery_plugins.compression.kv.kv_quant import KVQuant
from lottery_plugins.compression.kv.pyramid_kv import PyramidKV
from lottery_plugins.compression.kv.snapkv import SnapKV
from lottery_plugins.compression.kv.streaming_llm import StreamingLLM
from lottery_plugins.compression.kv.tova import TOVA
from lottery_plugins.compression.wanda import Wanda

__all__ = [
    "H2O",
    "METHODS",
    "TOVA",
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
    H2O,
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
