"""Built-in compression methods. Importing this package loads no torch: methods load it when they run."""

from lottery_plugins.compression.cast import Cast
from lottery_plugins.compression.int4 import Int4
from lottery_plugins.compression.int8 import Int8
from lottery_plugins.compression.key_norm import KeyNorm
from lottery_plugins.compression.libraries.bnb_int8 import BnbInt8
from lottery_plugins.compression.libraries.bnb_nf4 import BnbNf4
from lottery_plugins.compression.libraries.gguf_method import Gguf
from lottery_plugins.compression.libraries.hqq_method import Hqq
from lottery_plugins.compression.streaming_llm import StreamingLLM
from lottery_plugins.compression.wanda import Wanda

__all__ = ["METHODS", "BnbInt8", "BnbNf4", "Cast", "Gguf", "Hqq", "Int4", "Int8", "KeyNorm", "StreamingLLM", "Wanda"]

METHODS: tuple[type, ...] = (BnbInt8, BnbNf4, Cast, Gguf, Hqq, Int4, Int8, KeyNorm, StreamingLLM, Wanda)
"""The built-in method classes, by name."""
