"""Built-in compression methods. Importing this package loads no torch: methods load it when they run."""

from lottery_plugins.compression.int4 import Int4
from lottery_plugins.compression.int8 import Int8
from lottery_plugins.compression.kv.key_norm import KeyNorm
from lottery_plugins.compression.kv.streaming_llm import StreamingLLM
from lottery_plugins.compression.wanda import Wanda

__all__ = ["METHODS", "Int4", "Int8", "KeyNorm", "StreamingLLM", "Wanda"]

METHODS: tuple[type, ...] = (Int4, Int8, KeyNorm, StreamingLLM, Wanda)
"""The built-in method classes, by name."""
