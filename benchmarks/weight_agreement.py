"""Our pruning and quantization beside llmcompressor's, on the same model and the same calibration tokens.

    python benchmarks/weight_agreement.py PYTHON_WITH_LLMCOMPRESSOR [--model FOLDER] [--methods wanda gptq ...]
    python benchmarks/weight_agreement.py PYTHON_WITH_LLMCOMPRESSOR --layer tests/compression/llmcompressor_layer.json

llmcompressor needs an older transformers, so it runs in a Python of its own:

    python -m venv other && other/bin/pip install "llmcompressor==0.14.*"

Without --model: a random Llama of two layers. For each method, over all linear layers of the decoder:

    same       weights that both prune or both keep (pruning), or that have the same level (quantization)
    closest    the same in the first decoder layer, whose inputs are the same for both
    difference largest |ours - theirs| over the layer's largest |weight|, the median of the layers
    error      mean square error of the model's logits on the calibration text: ours, theirs
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

METHODS = {  # name: (our spec's options, their modifier, its arguments)
    "wanda": ("wanda", {}, "WandaPruningModifier", {"sparsity": 0.5}),
    "wanda 2:4": ("wanda", {"pattern": "2:4"}, "WandaPruningModifier", {"sparsity": 0.5, "mask_structure": "2:4"}),
    "sparsegpt": ("sparsegpt", {}, "SparseGPTModifier", {"sparsity": 0.5}),
    "sparsegpt 2:4": ("sparsegpt", {"pattern": "2:4"}, "SparseGPTModifier", {"sparsity": 0.5, "mask_structure": "2:4"}),
    "gptq": ("gptq", {"group_size": 32, "act_order": False}, "GPTQModifier", {}),
    "gptq act_order": ("gptq", {"group_size": 32}, "GPTQModifier", {"actorder": "static"}),
    "gptq symmetric": (
        "gptq",
        {"group_size": 32, "symmetric": True},
        "GPTQModifier",
        {"symmetric": True, "actorder": "static"},
    ),
    "gptq 3 bits": ("gptq", {"group_size": 32, "bits": 3}, "GPTQModifier", {"num_bits": 3, "actorder": "static"}),
}


def _side(python, *words):
    """Run the other side, without this project, whose transformers is another."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [python, str(Path(__file__).with_name("weight_side.py")), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr[-2000:]}")


def tiny_llama():
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 4, "num_key_value_heads": 2}
    return LlamaForCausalLM(LlamaConfig(vocab_size=512, num_hidden_layers=2, initializer_range=0.05, **sizes)).eval()


def our_weights(compressed):
    return {
        name: m.dequantize() if hasattr(m, "dequantize") else m.weight.detach()
        for name, m in compressed.named_modules()
        if "layers." in name and (isinstance(m, torch.nn.Linear) or hasattr(m, "dequantize"))
    }


def same(ours, theirs, original, pruned):
    if pruned:
        return ((ours == 0) == (theirs == 0)).float().mean()
    step = 1.05 * (ours - original).abs().amax(dim=1, keepdim=True)  # about half a step of the row's coarsest group
    return ((ours - theirs).abs() < 0.5 * step).float().mean()


def compare(method, model, folder, python, rows):
    from lottery_plugins.compression import METHODS as CLASSES
    from lottery_plugins.protocols.compression import CalibrationData

    name, options, modifier, arguments = METHODS[method]
    _side(python, "model", str(folder), modifier, json.dumps(arguments))
    theirs = torch.load(folder / "theirs.pt")
    cls = next(cls for cls in CLASSES if cls.name == name)
    compressed = cls(**options).compress(model, CalibrationData(tuple(map(tuple, rows)), "agreement"))
    with torch.no_grad():
        expected, ours = model(torch.tensor(rows)).logits, compressed(torch.tensor(rows)).logits
    found, shares, differences = our_weights(compressed), [], []
    for path, weight in found.items():
        original, other = model.get_submodule(path).weight.detach(), theirs["weights"][path].float()
        shares.append((path, float(same(weight, other, original, "gptq" not in method))))
        differences.append(float((weight - other).abs().max() / original.abs().max()))
    first = [share for path, share in shares if ".0." in path]
    errors = [float((logits - expected).square().mean()) for logits in (ours, theirs["logits"])]
    print(
        f"{method:16} same {sum(s for _, s in shares) / len(shares):.4f}  closest {sum(first) / len(first):.4f}  "
        f"difference {sorted(differences)[len(differences) // 2]:.4f}  error {errors[0]:.5f} {errors[1]:.5f}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", help="a Python that has llmcompressor")
    parser.add_argument("--model", help="folder of a causal model; without it a random one")
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--layer", metavar="FILE", help="instead: what they make of one small layer, for the tests")
    arguments = parser.parse_args()
    if arguments.layer:
        _side(arguments.python, "layer", arguments.layer)
        return
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from lottery_plugins.compression.calibration import build_calibration

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.model:
            model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32).eval()
            data = build_calibration(AutoTokenizer.from_pretrained(arguments.model), "bundled", 16, 128)
            rows = [list(row) for row in data.input_ids]
        else:
            model = tiny_llama()
            rows = torch.randint(512, (16, 64), generator=torch.Generator().manual_seed(1)).tolist()
        model.save_pretrained(folder)
        (folder / "tokens.json").write_text(json.dumps(rows))
        for method in arguments.methods:
            compare(method, model, folder, arguments.python, rows)


if __name__ == "__main__":
    sys.exit(main())
