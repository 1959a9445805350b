"""Quality, bytes and speed of the built-in compression methods on one model: the figures in the docstrings and docs.

    python benchmarks/compression_quality.py MODEL_FOLDER [--tokens 24] [--specs int4 hqq+wanda:sparsity=0.3 ...]

NLL is the mean over the tokens of compression_text.txt, which no method is calibrated on. Weight methods are scored in
one forward of the text's first 1,152 tokens; KV methods in two phases: 768 tokens of context, 384 scored. "s" is the
processor time of compressing, calibration text included, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM, AutoTokenizer

from lottery_plugins.compression import KeyNorm, StreamingLLM
from lottery_plugins.compression.apply import apply
from lottery_plugins.compression.kv.scoring import score_in_two_phases
from lottery_plugins.compression.sizes import stored_bytes
from lottery_plugins.discovery import discover
from lottery_plugins.protocols.compression import LoadMethod
from lottery_plugins.specs import parse_specs

CONTEXT, SCORED = 768, 384

WEIGHT_SPECS = (
    "none",
    "int8",
    "int4",
    "rtn:bits=3",
    "rtn:bits=8:group_size=0:symmetric=true",
    "gptq",
    "gptq:act_order=false",
    "gptq:bits=3",
    "gptq:bits=2",
    "awq",
    "awq:bits=3",
    "magnitude:sparsity=0.25",
    "magnitude:sparsity=0.5",
    "magnitude:pattern=2of4",
    "wanda:sparsity=0.25",
    "wanda:sparsity=0.3",
    "wanda:sparsity=0.5",
    "wanda:pattern=2of4",
    "sparsegpt:sparsity=0.25",
    "sparsegpt:sparsity=0.5",
    "sparsegpt:sparsity=0.5:damping=0.1",
    "sparsegpt:pattern=2of4",
    "layer-drop:num_layers=3",
    "layer-drop:num_layers=7",
    "svd:ratio=0.2",
    "svd:ratio=0.5",
    "svd:ratio=0.5:whiten=false",
    "int8+wanda:sparsity=0.3",
    "int4+wanda:sparsity=0.3",
    "gptq+sparsegpt:sparsity=0.3",
    "int4+svd:ratio=0.2",
    "int4+layer-drop:num_layers=3",
)
TIMED = ("none", "int8", "int4", "rtn:bits=3", "layer-drop:num_layers=3", "svd:ratio=0.2", "int4+svd:ratio=0.2")
RATIOS = (0.0, 0.25, 0.5, 0.75)


def mean_nll(model, tokens):
    with torch.no_grad():
        logits = model(input_ids=tokens, use_cache=False).logits[:, :-1].float()
    return float(torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()))


def prompts(tokens, rows=8, length=96):
    """Prompts of different lengths, left-padded: what lm-eval's generation sends."""
    ids = torch.zeros(rows, length, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row in range(rows):
        used = length - 8 * row
        ids[row, -used:], mask[row, -used:] = tokens[0, 40 * row : 40 * row + used], 1
    return ids, mask


def seconds_to_generate(model, ids, mask, new_tokens):
    started = time.perf_counter()
    options = {"do_sample": False, "min_new_tokens": new_tokens, "max_new_tokens": new_tokens, "pad_token_id": 0}
    model.generate(input_ids=ids, attention_mask=mask, **options)
    return time.perf_counter() - started


def speed_ratio(reference, model, ids, mask, new_tokens, rounds=3):
    """Median of the ratios of neighbouring runs, so that other load on the machine cancels out."""
    ratios = []
    for _ in range(rounds):
        before = seconds_to_generate(reference, ids, mask, new_tokens)
        ratios.append(before / seconds_to_generate(model, ids, mask, new_tokens))
    return sorted(ratios)[rounds // 2]


def built(folder, model, tokenizer, spec):
    """A model compressed as a spec says, its byte counts before and after, and the processor time it took."""
    registry, started = discover(), time.process_time()
    methods = [registry.create("compression", one) for one in parse_specs(spec, "--specs")]
    loads = [method for method in methods if isinstance(method, LoadMethod)]
    if loads:
        arguments = {key: value for method in loads for key, value in method.load_arguments().items()}
        loaded = AutoModelForCausalLM.from_pretrained(folder, **arguments).eval()
    else:
        loaded = model
    result = apply([method for method in methods if method not in loads], loaded, tokenizer)
    seconds = time.process_time() - started
    return result.model, stored_bytes(model), result.report.after, seconds


def weight_table(folder, model, tokenizer, tokens, arguments):
    """Bytes, NLL, and speed of greedy generation at batch 8 where tokens are generated."""
    table = Table("method", "stored", "non-embedding", "nominal", "NLL change", "speed", "s", title="weights")
    window = tokens[:, : CONTEXT + SCORED]
    baseline, (ids, mask) = mean_nll(model, window), prompts(tokens)
    for spec in arguments.specs or WEIGHT_SPECS:
        compressed, before, after, seconds = built(folder, model, tokenizer, spec)
        timed = arguments.tokens and (spec in TIMED or arguments.specs)
        row = [
            spec,
            f"{after.total / before.total:.3f}",
            f"{after.other / before.other:.3f}",
            f"{after.nominal / before.total:.3f}",
            f"{mean_nll(compressed, window) - baseline:+.4f}",
            f"{speed_ratio(model, compressed, ids, mask, arguments.tokens):.2f}" if timed else "",
            f"{seconds:.1f}",
        ]
        print(*row, file=sys.stderr, flush=True)
        table.add_row(*row)
    table.caption = f"{before.total:,} bytes ({before.embedding:,} embedding), NLL {baseline:.4f} without compression"
    return table


def kv_table(model, tokens):
    table = Table("method", "ratio", "cache bytes", "NLL change", title=f"KV cache, {CONTEXT} + {SCORED} tokens")
    context = tokens[0, :CONTEXT].tolist()
    scored = tokens[0, CONTEXT : CONTEXT + SCORED].tolist()
    baseline = score_in_two_phases(model, context, scored).logprob
    for method in (KeyNorm, StreamingLLM):
        for ratio in RATIOS:
            result = apply([method(compression_ratio=ratio)], model)
            change = (baseline - score_in_two_phases(result.model, context, scored).logprob) / SCORED
            counts = result.press.statistics
            kept = counts.bytes_after / counts.bytes_before if counts.prompts else 1.0
            table.add_row(method.name, f"{ratio:.2f}", f"{kept:.3f}", f"{change:+.4f}")
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder or hub name of a causal model")
    parser.add_argument("--tokens", type=int, default=24, help="tokens generated for the speed ratio; 0 skips it")
    parser.add_argument("--specs", nargs="*", help="only these, each with its speed, and no KV table")
    arguments = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32).eval()
    text = Path(__file__).with_name("compression_text.txt").read_text(encoding="utf-8")
    tokens = tokenizer(text, return_tensors="pt")["input_ids"]
    console = Console(width=110)
    console.print(weight_table(arguments.model, model, tokenizer, tokens, arguments))
    if not arguments.specs:
        console.print(kv_table(model, tokens))


if __name__ == "__main__":
    main()
