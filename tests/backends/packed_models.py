"""Tiny random models, a runner over one of them, and the logits that the model itself gives."""

from functools import cache

import torch
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from lottery_plugins.backends.packed import support
from lottery_plugins.backends.packed.cache import CpuPool
from lottery_plugins.backends.packed.cpu import CpuExecutor
from lottery_plugins.backends.packed.groups import Groups
from lottery_plugins.backends.packed.methods import cache_methods
from lottery_plugins.backends.packed.options import PackedOptions
from lottery_plugins.backends.packed.runner import PackedRunner

VOCABULARY = 61
NUM_BLOCKS = 64
SIZES = dict(
    vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=256, attn_implementation="sdpa",
)  # fmt: skip


def _gpt2():
    sizes = dict(n_positions=256, n_embd=32, n_layer=3, n_head=4, attn_implementation="sdpa")
    return GPT2LMHeadModel(GPT2Config(vocab_size=VOCABULARY, **sizes))


MAKERS = {
    "llama-grouped": lambda: LlamaForCausalLM(LlamaConfig(**SIZES)),
    "llama-tied": lambda: LlamaForCausalLM(LlamaConfig(**SIZES, tie_word_embeddings=True, attention_bias=True)),
    "llama-one-kv-head": lambda: LlamaForCausalLM(LlamaConfig(**{**SIZES, "num_key_value_heads": 1})),
    "mistral-window": lambda: MistralForCausalLM(MistralConfig(**SIZES, sliding_window=9)),
    "qwen2-mixed-windows": lambda: Qwen2ForCausalLM(
        Qwen2Config(**SIZES, use_sliding_window=True, sliding_window=7, max_window_layers=1)
    ),
    "gpt2": _gpt2,
    "gemma2-softcap": lambda: Gemma2ForCausalLM(Gemma2Config(**{**SIZES, "attn_implementation": "eager"}, head_dim=8)),
}
SERVED = [name for name in MAKERS if name != "gemma2-softcap"]


@cache
def model(name, dtype=torch.float32):
    """A model with random weights large enough that its tokens differ."""
    torch.manual_seed(0)
    made = MAKERS[name]().eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.dim() == 2:
                parameter.mul_(8)
    return made.to(dtype)


def runner_of(made, block_size=4, press=None, quantizer=None, unwritten=torch.nan):
    """A runner as `build_runner` makes it, without the measurements.

    What was never written must not be read; where rows are coupled it is read in vain, and 0 as in a real pool.
    """
    layers = support.layer_shapes(made)
    methods = cache_methods(made, layers, press, quantizer)
    pool = CpuPool(layers, NUM_BLOCKS, block_size)
    for states in (*pool.keys, *pool.values):
        states.fill_(unwritten)
    options = PackedOptions(block_size=block_size)
    limit = support.max_length(made)
    executor = CpuExecutor(made, pool, layers, 64, Groups.of(methods))
    return PackedRunner(executor, layers, NUM_BLOCKS, options, max_length=limit, methods=methods)


def logits_of(runner, rows):
    """Per row the logits of its targets' positions, in the scheduler's order."""
    executor = runner._executor
    step = executor.pack(rows)
    logits = executor.logits(step)
    found = [None] * len(rows)
    for index, place in enumerate(step.order):
        found[place] = logits[step.keep_starts[index] : step.keep_starts[index + 1]]
    return found


def own_logits(made, ids):
    """What the model itself says about each position, (len(ids), vocabulary)."""
    with torch.inference_mode():
        return made(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
