"""llmcompressor's side of `weight_agreement.py`; runs in a Python that has it, and imports nothing of this project.

python weight_side.py model FOLDER MODIFIER ARGUMENTS    compress the model in a folder, save its weights and logits
python weight_side.py layer FILE                         prune and quantize one small layer, for the tests
"""

import json
import sys
from pathlib import Path

import torch


def their_modifier(name, arguments):
    """Runs in the other Python."""
    from llmcompressor.modifiers.gptq import GPTQModifier
    from llmcompressor.modifiers.pruning import SparseGPTModifier, WandaPruningModifier

    if name != "GPTQModifier":
        kind = {"WandaPruningModifier": WandaPruningModifier, "SparseGPTModifier": SparseGPTModifier}[name]
        return kind(targets=["Linear"], ignore=["re:.*lm_head"], **arguments)
    order = arguments.pop("actorder", None)
    weights = {"num_bits": 4, "type": "int", "symmetric": False, "strategy": "group", "group_size": 32, **arguments}
    group = {"targets": ["Linear"], "weights": weights}
    return GPTQModifier(config_groups={"group_0": group}, ignore=["re:.*lm_head"], actorder=order)


def run_theirs(folder, name, arguments):
    """In the other Python: compress the model in the folder, and save the weights that forward uses."""
    from datasets import Dataset
    from llmcompressor import oneshot
    from tokenizers import Tokenizer, models
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    unused = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0}, "a")), pad_token="a")
    rows = json.loads(Path(folder, "tokens.json").read_text())
    dataset = Dataset.from_dict({"input_ids": rows, "attention_mask": [[1] * len(row) for row in rows]})
    oneshot(
        model=model,
        dataset=dataset,
        processor=unused,  # it asks for one, though the rows are tokens already
        recipe=[their_modifier(name, arguments)],
        max_seq_length=len(rows[0]),
        num_calibration_samples=len(rows),
        shuffle_calibration_samples=False,
        pipeline="sequential",
    )
    weights = {name: m.weight.detach() for name, m in model.named_modules() if isinstance(m, torch.nn.Linear)}
    with torch.no_grad():
        logits = model(torch.tensor(rows)).logits
    torch.save({"weights": weights, "logits": logits}, Path(folder, "theirs.pt"))


def run_layer(file):
    """A small layer with its inputs, and what llmcompressor's own functions make of it."""
    from compressed_tensors.quantization import QuantizationArgs
    from llmcompressor.modifiers.gptq.gptq_quantize import quantize_weight
    from llmcompressor.modifiers.pruning.sparsegpt import sgpt_sparsify
    from llmcompressor.modifiers.pruning.wanda import wanda_sparsify

    generator = torch.Generator().manual_seed(0)
    layer = torch.nn.Linear(24, 12, bias=False).requires_grad_(False)
    layer.weight.data = (torch.randn(12, 24, generator=generator) * 100).round() / 100
    inputs = (torch.randn(40, 24, generator=generator) * torch.linspace(1, 30, 24)).round() / 10
    hessian, _ = sgpt_sparsify.accumulate_hessian(inputs, layer, sgpt_sparsify.make_empty_hessian(layer), 0)
    scalars, _ = wanda_sparsify.accumulate_row_scalars(inputs, layer, wanda_sparsify.make_empty_row_scalars(layer), 0)
    found = {"weight": layer.weight.tolist(), "inputs": inputs.tolist()}
    for name, kept, of in (("", 0, 0), (" 2:4", 2, 4)):
        pruned = wanda_sparsify.sparsify_weight(layer, {layer: scalars.clone()}, 0.5, kept, of)
        found[f"wanda{name}"] = (pruned == 0).int().tolist()
        arguments = (layer, {layer: hessian.clone()}, 0.5, kept, of, 128, 0.01, False)
        found[f"sparsegpt{name}"] = sgpt_sparsify.sparsify_weight(*arguments)[1].tolist()
    scale = torch.full((12, 3), 0.25)
    zero = torch.full((12, 3), 7.0)
    for name, order in (("gptq", None), ("gptq act_order", "static")):
        options = {"num_bits": 4, "type": "int", "symmetric": False, "strategy": "group", "group_size": 8}
        args = QuantizationArgs(**options, actorder=order)
        batch = (layer.weight[None].clone(), hessian[None].clone(), scale[None], zero[None] - 8, None, args)
        found[name] = quantize_weight(*batch)[0][0].tolist()
    text = {name: [[round(value, 4) for value in row] for row in rows] for name, rows in found.items()}
    rows = [f'"{name}": {json.dumps(value, separators=(",", ":"))}' for name, value in text.items()]
    Path(file).write_text("{" + ",\n".join(rows) + "}\n")


if __name__ == "__main__":
    kind, name, *rest = sys.argv[1:]
    if kind == "layer":
        run_layer(name)
    else:
        run_theirs(name, rest[0], json.loads(rest[1]))
