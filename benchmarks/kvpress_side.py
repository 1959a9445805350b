"""What kvpress keeps of a prompt, as JSON. Run by kvpress_agreement.py in an environment of its own.

It knows torch, transformers and kvpress, and nothing of ours. Kept positions are found by comparing the keys that are
left with all keys: so the same function reads both sides.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache, LlamaConfig, LlamaForCausalLM

CASES = {
    "key-norm": ("KnormPress", {}),
    "streaming-llm": ("StreamingLLMPress", {"n_sink": 4}),
    "snapkv": ("SnapKVPress", {"window_size": 8, "kernel_size": 5}),
    "tova": ("TOVAPress", {}),
    "pyramid-kv": ("PyramidKVPress", {"window_size": 8, "kernel_size": 5, "beta": 2}),
    "observed-attention": ("ObservedAttentionPress", {}),
}
"""By our name: kvpress's class and its options besides compression_ratio."""

RATIOS = (0.25, 0.5, 0.75)
TINY = dict(
    vocab_size=160, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=256, tie_word_embeddings=True,
)  # fmt: skip


def tiny_model():
    """A random model whose weights do not depend on how a version of transformers draws them, and a prompt."""
    model = LlamaForCausalLM(LlamaConfig(**TINY, attn_implementation="eager")).eval()
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            scale = 1.0 if "norm" in name else 0.2
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale + ("norm" in name))
    return model, torch.randperm(TINY["vocab_size"], generator=generator)[None, :64]  # no token twice: no ties


def real_model(folder, text_path, num_tokens):
    """A model and the first tokens of a text; their number is a multiple of 4, so that all ratios are exact."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    with open(text_path, encoding="utf-8") as text:
        ids = AutoTokenizer.from_pretrained(folder)(text.read(), return_tensors="pt")["input_ids"]
    return model, ids[:, : num_tokens // 4 * 4]


def filled_cache(model, ids):
    """The cache after a prompt."""
    cache = DynamicCache()
    with torch.no_grad():
        model(ids, past_key_values=cache)
    return cache


def kept(full, pressed):
    """Per layer and head the positions of a full cache that are in a pressed one, as a hexadecimal mask."""
    return [
        [mask(keys, left) for keys, left in zip(a.keys[0], b.keys[0], strict=True)]
        for a, b in zip(full.layers, pressed.layers, strict=True)
    ]


def mask(keys, left):
    """Positions of the rows `left` among the rows `keys`, as a hexadecimal number; the first position is bit 0."""
    nearest, positions = torch.cdist(left, keys, p=torch.inf).min(dim=1)  # of (kept, seq_len)
    assert float(nearest.max()) < 1e-3, "a key that was never cached"  # sides and kernels round apart
    assert len(set(positions.tolist())) == len(positions), "two equal keys: the positions can't be told apart"
    return f"{sum(1 << position for position in positions.tolist()):x}"


def record(model, ids):
    """What kvpress keeps in every case, by "name ratio"."""
    import kvpress

    full, found = filled_cache(model, ids), {}
    for name, (press, options) in CASES.items():
        for ratio in RATIOS:
            with getattr(kvpress, press)(compression_ratio=ratio, **options)(model):
                found[f"{name} {ratio}"] = kept(full, filled_cache(model, ids))
    return found


def main():
    """Arguments: where to write, and for a real model its folder, a text, and the number of tokens."""
    output, *rest = sys.argv[1:]
    model, ids = real_model(rest[0], rest[1], int(rest[2])) if rest else tiny_model()
    with open(output, "w", encoding="utf-8") as file:
        json.dump(record(model, ids), file, indent=0)


if __name__ == "__main__":
    main()
