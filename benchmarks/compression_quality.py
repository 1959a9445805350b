"""Quality, bytes and speed of the built-in compression methods on one model: the figures in the docstrings and docs.

    python benchmarks/compression_quality.py MODEL_FOLDER [--tokens 24]

NLL is the mean over the tokens of compression_text.txt, which no method is calibrated on. Weight methods are scored in
one forward of the text's first 1,152 tokens; KV methods in two phases: 768 tokens of context, 384 scored.
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

from lottery_plugins.compression import Int4, Int8, KeyNorm, StreamingLLM, Wanda
from lottery_plugins.compression.apply import apply
from lottery_plugins.compression.kv.scoring import score_in_two_phases

CONTEXT, SCORED = 768, 384

WEIGHT_METHODS = (
    ("none", []),
    ("int8", [Int8()]),
    ("int4", [Int4()]),
    ("int4:group_size=32", [Int4(group_size=32)]),
    ("wanda:sparsity=0.25", [Wanda(sparsity=0.25)]),
    ("wanda:sparsity=0.3", [Wanda(sparsity=0.3)]),
    ("wanda:sparsity=0.5", [Wanda(sparsity=0.5)]),
    ("wanda 2:4", [Wanda(pattern="2:4")]),
    ("int8+wanda:sparsity=0.3", [Int8(), Wanda(sparsity=0.3)]),
    ("int4+wanda:sparsity=0.3", [Int4(), Wanda(sparsity=0.3)]),
)
TIMED = ("none", "int8", "int4")
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


def weight_table(model, tokenizer, tokens, new_tokens):
    """Bytes, NLL, and speed of greedy generation at batch 8 where `new_tokens` is not 0."""
    table = Table("method", "stored", "non-embedding", "nominal", "NLL change", "speed", "s", title="weights")
    window = tokens[:, : CONTEXT + SCORED]
    baseline, (ids, mask) = mean_nll(model, window), prompts(tokens)
    for spec, methods in WEIGHT_METHODS:
        result = apply(methods, model, tokenizer)
        before, after = result.report.before, result.report.after
        timed = new_tokens and spec in TIMED
        row = [
            spec,
            f"{after.total / before.total:.3f}",
            f"{after.other / before.other:.3f}",
            f"{after.nominal / before.total:.3f}",
            f"{mean_nll(result.model, window) - baseline:+.4f}",
            f"{speed_ratio(model, result.model, ids, mask, new_tokens):.2f}" if timed else "",
            f"{result.report.seconds:.1f}",
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
    arguments = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32).eval()
    text = Path(__file__).with_name("compression_text.txt").read_text(encoding="utf-8")
    tokens = tokenizer(text, return_tensors="pt")["input_ids"]
    console = Console(width=110)
    console.print(weight_table(model, tokenizer, tokens, arguments.tokens))
    console.print(kv_table(model, tokens))


if __name__ == "__main__":
    main()
