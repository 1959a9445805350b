"""One spec on the fixed text, in a process of its own: bytes, NLL, speed, seconds. Writes JSON, whole or not at all.

    python -m benchmarks.compression_arms.text --model MODEL --spec int4+wanda --out FILE

Weights are scored in one forward of the text's first 1,152 tokens. With a KV-cache method the text is scored in two
phases, 768 tokens of context and then 384, and so is the original: one forward would never read the cache.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from lottery_plugins.compression.apply import apply
from lottery_plugins.compression.kv.scoring import score_in_two_phases
from lottery_plugins.compression.sizes import stored_bytes
from lottery_plugins.discovery import discover
from lottery_plugins.protocols.compression import LoadMethod
from lottery_plugins.specs import parse_specs

CONTEXT, SCORED, BLOCK = 768, 384, 64
TEXT = Path(__file__).resolve().parents[1] / "compression_text.txt"
ROUNDS = 3


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--spec", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    wanted = {"model": args.model, "tokens": args.tokens, "threads": args.threads}
    measured = {"settings": wanted, **measure(args.model, args.spec, args.tokens)}
    part = args.out.with_suffix(".part")
    part.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    part.replace(args.out)


def measure(folder, spec, new_tokens):
    """All figures of one spec."""
    registry = discover()
    methods = [registry.create("compression", one) for one in parse_specs(spec, "spec")]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokens = tokenizer(TEXT.read_text(encoding="utf-8"), return_tensors="pt")["input_ids"]
    original = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    started = time.perf_counter()
    loaded = _loaded(folder, original, methods)
    result = apply([m for m in methods if not isinstance(m, LoadMethod)], loaded, tokenizer)
    seconds = time.perf_counter() - started
    has_cache = any(method.stage == "kv-cache" for method in methods)
    before, after = stored_bytes(original), stored_bytes(result.model)
    statistics_of = result.press.statistics if result.press is not None else None
    changes = _changes(original, result.model, tokens, in_two_phases=has_cache)
    mean, half = _interval(changes)
    return {
        "spec": spec,
        "seconds": seconds,
        "stored": after.total / before.total,
        "stored_other": after.other / before.other,
        "nominal": after.nominal / before.total,
        "cache": statistics_of.bytes_after / statistics_of.bytes_before
        if statistics_of and statistics_of.bytes_before
        else 1.0,
        "cache_packed": _packed_share(statistics_of, original),
        "nll_change": mean,
        "nll_change_half_interval": half,
        "speed": _speed(original, result.model, tokens, new_tokens) if new_tokens else None,
        "calibration": result.report.calibration_source,
        "load": os.getloadavg()[0],
    }


def _loaded(folder, original, methods):
    """The model that the other methods work on: the original, or as a method of the load stage has it loaded."""
    arguments = {}
    for method in methods:
        if isinstance(method, LoadMethod):
            arguments |= method.load_arguments()
    if not arguments:
        return original
    return AutoModelForCausalLM.from_pretrained(folder, **{"dtype": torch.float32, **arguments}).eval()


def _packed_share(counts, model):
    """Cache bytes in an engine that holds encoded positions encoded, against the whole cache."""
    from lottery_plugins.compression.sizes import kv_bytes_per_token

    if counts is None or not counts.prompt_tokens:
        return 1.0
    return counts.packed_bytes_after / (counts.prompt_tokens * kv_bytes_per_token(model))


def _changes(original, model, tokens, *, in_two_phases):
    """Change of the NLL, a mean for each block of the scored text."""
    if in_two_phases:
        context, scored = tokens[0, :CONTEXT].tolist(), tokens[0, CONTEXT : CONTEXT + SCORED].tolist()
        after, before = (score_in_two_phases(m, context, scored).logprob for m in (model, original))
        return [(before - after) / SCORED]
    window = tokens[:, : CONTEXT + SCORED]
    return (_nll(model, window) - _nll(original, window)).split(BLOCK)


def _nll(model, tokens):
    with torch.no_grad():
        logits = model(input_ids=tokens, use_cache=False).logits[0, :-1].float()
    return torch.nn.functional.cross_entropy(logits, tokens[0, 1:], reduction="none")


def _interval(blocks):
    """Mean over all tokens, and half of its 95 % interval over blocks of text; None for one block."""
    if not isinstance(blocks[0], torch.Tensor):
        return blocks[0], None
    means = [float(block.mean()) for block in blocks]
    mean = float(torch.cat(list(blocks)).mean())
    from scipy import stats

    return mean, float(stats.t.ppf(0.975, len(means) - 1) * statistics.stdev(means) / len(means) ** 0.5)


def _speed(original, model, tokens, new_tokens):
    """Seconds of the original over those of the compressed model, greedy, eight left-padded rows: median of rounds.

    Each round does both in turn, so that other load on the machine cancels out.
    """
    ids = torch.zeros(8, 96, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row in range(8):
        used = 96 - 8 * row
        ids[row, -used:], mask[row, -used:] = tokens[0, 40 * row : 40 * row + used], 1
    ratios = []
    for _ in range(ROUNDS):
        before = _seconds(original, ids, mask, new_tokens)
        ratios.append(before / _seconds(model, ids, mask, new_tokens))
    return {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}


def _seconds(model, ids, mask, new_tokens):
    started = time.perf_counter()
    options = {"do_sample": False, "min_new_tokens": new_tokens, "max_new_tokens": new_tokens, "pad_token_id": 0}
    model.generate(input_ids=ids, attention_mask=mask, **options)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
