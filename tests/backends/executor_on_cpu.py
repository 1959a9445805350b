"""Tiny models and the device executor over them on the CPU, with the stand-in for torch's varlen_attn."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM
from varlen_reference import old_varlen_attn, varlen_attn

from lottery_plugins.backends.packed.cache import LayerShape
from lottery_plugins.backends.packed.cuda import CudaExecutor
from lottery_plugins.backends.packed.paged_cache import PagedPool
from lottery_plugins.backends.packed.varlen import GatheredVarlen, PagedVarlen, PerSequence, accepted
from lottery_plugins.protocols.engine import SamplingParams
from lottery_plugins.protocols.runner import Row

CPU = torch.device("cpu")
SIZES = {
    "vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 600,
}  # fmt: skip
GREEDY = SamplingParams(max_tokens=1)
SAMPLED = SamplingParams(max_tokens=1, do_sample=True, temperature=0.8, top_k=20)
KERNELS = {
    "paged": PagedVarlen(varlen_attn),
    "paged-invariant": PagedVarlen(varlen_attn, invariant=True),
    "gathered": GatheredVarlen(varlen_attn, accepted(varlen_attn)),
    "gathered-old": GatheredVarlen(old_varlen_attn, accepted(old_varlen_attn)),
    "per-sequence": PerSequence(16),
}


def tiny(kind="llama"):
    torch.manual_seed(1)
    if kind == "llama":
        return LlamaForCausalLM(LlamaConfig(**SIZES)).eval()
    return MistralForCausalLM(MistralConfig(**SIZES, sliding_window=5)).eval()


def shapes(model):
    window = getattr(model.config, "sliding_window", None)
    return [LayerShape(2, 8, torch.float32, window)] * 2


def executor(model, kernel, capture=None, num_blocks=12):
    pool = PagedPool(shapes(model), num_blocks, kernel.block_size, CPU)
    run = CudaExecutor(model, pool, kernel, max_step_tokens=8192)
    if capture is not None:
        run.use_graphs(capture, max_length=600)
    return run


def own_logits(model, ids):
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids])).logits[0]


def text(seed, length):
    return torch.randint(0, 97, (length,), generator=torch.Generator().manual_seed(seed)).tolist()


def prompt(ids, blocks, **kwargs):
    return Row(ids=ids, cached=0, position=0, blocks=blocks, **kwargs)


def after(ids, cached, blocks, **kwargs):
    return Row(ids=ids[cached:], cached=cached, position=cached, blocks=blocks, **kwargs)


def tables(kernel, *lengths):
    """Block tables, each from its last block down."""
    free, found = list(range(60)), []
    for length in lengths:
        count = -(-length // kernel.block_size)
        found.append(free[:count][::-1])
        free = free[count:]
    return found


class FakeGraph:
    def __init__(self, run):
        self.run, self.outputs, self.replays, self.released = run, run(), 0, False
        for output in self.outputs:
            output.zero_()  # what a capture leaves there is nothing: only a replay computes

    def replay(self):
        assert not self.released
        self.replays += 1
        for place, result in zip(self.outputs, self.run(), strict=True):
            place.copy_(result)

    def release(self):
        self.released = True


class FakeCapture:
    def __init__(self, error=None):
        self.error, self.graphs, self.resets = error, [], 0

    def __call__(self, run):
        if self.error is not None:
            raise self.error
        self.graphs.append(FakeGraph(run))
        return self.graphs[-1]

    def reset(self):
        self.resets += 1
