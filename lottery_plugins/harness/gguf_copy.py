"""Turn a GGUF file of a Llama model into a plain fp32 folder that `from_pretrained` reads.

    python -m lottery_plugins.harness.gguf_copy FOLDER FILE.gguf TARGET

A program of its own, so that the memory it takes (about three times the model) is given back when it ends.
"""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["copy_as_plain_folder"]


def copy_as_plain_folder(folder: Path, gguf_file: str, target: Path) -> None:
    """Write weights, config and tokenizer of `folder/gguf_file` into the new folder `target`.

    transformers marks a model read from GGUF as quantized, and then won't load what it saved. So the weights move into
    a fresh model whose config lacks that mark.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

    read = AutoModelForCausalLM.from_pretrained(folder, gguf_file=gguf_file, dtype="float32")
    config = read.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = LlamaForCausalLM(config)
    model.load_state_dict(read.state_dict())
    model.tie_weights()
    model.generation_config = read.generation_config
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(folder, gguf_file=gguf_file).save_pretrained(target)


if __name__ == "__main__":
    copy_as_plain_folder(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
