"""Quality, bytes and speed of the methods that act on the KV cache, on one model: the figures in docstrings and docs.

    python benchmarks/kv_quality.py MODEL_FOLDER [--rounds 3] [--output runs/benchmarks/kv_quality.json]

Quality: the change of the mean negative log-likelihood of 384 tokens of compression_text.txt behind 768 others, in two
phases: read the context, compress its cache, score what follows. Bytes: those of the context's cache, as held by
transformers (real), and in a cache that holds encoded groups as bytes (nominal), both as a share of the uncompressed.
Speed: of reading the context with all that the method does at its end, and of 24 tokens generated behind it, as a ratio
to no method: medians over neighbouring runs, so that other load on the machine cancels out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that a checkout needs no installation

from lottery_plugins.compression import H2O, TOVA, KeyNorm, KVQuant, PyramidKV, SnapKV, StreamingLLM
from lottery_plugins.compression.kv.press import attached
from lottery_plugins.compression.kv.scoring import score_in_two_phases

CONTEXT, SCORED, GENERATED = 768, 384, 24
PRESSES, RATIOS = (KeyNorm, StreamingLLM, TOVA, H2O, SnapKV, PyramidKV), (0.0, 0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table; None: not measured."""

    spec: str
    ratio: float | None
    real_bytes: float
    nominal_bytes: float
    nll_change: float
    prefill_speed: float | None
    decode_speed: float | None


def cases():
    """Spec, ratio, press and quantizer of each line."""
    for press in PRESSES:
        for ratio in RATIOS:
            yield press.name, ratio, press(compression_ratio=ratio), None
    for bits in (4, 2):
        yield f"kv-quant:bits={bits}", None, None, KVQuant(bits=bits)
    yield "snapkv+kv-quant:bits=4", 0.5, SnapKV(), KVQuant()


def seconds(model, tokens):
    """To read the context, and to generate behind it."""
    cache = DynamicCache(config=model.config)
    started = time.perf_counter()
    with torch.no_grad():
        logits = model(input_ids=tokens, past_key_values=cache, logits_to_keep=1).logits
        read = time.perf_counter()
        for place in range(GENERATED):
            at = torch.tensor([[tokens.shape[1] + place]])
            logits = model(input_ids=logits[:, -1:].argmax(-1), position_ids=at, past_key_values=cache).logits
    return read - started, time.perf_counter() - read


def speeds(model, press, quantizer, tokens, rounds):
    """Ratios to no method: of reading, and of generating."""
    pairs = []
    for _ in range(rounds):
        plain = seconds(model, tokens)
        with attached(press, model, quantizer):
            mine = seconds(model, tokens)
        pairs.append((plain[0] / mine[0], plain[1] / mine[1]))
    return (median(a for a, _ in pairs), median(b for _, b in pairs)) if pairs else (None, None)


def measure(model, tokens, rounds):
    """Every case; a line as it is done."""
    context, scored = tokens[0, :CONTEXT].tolist(), tokens[0, CONTEXT : CONTEXT + SCORED].tolist()
    baseline = score_in_two_phases(model, context, scored).logprob
    for spec, ratio, press, quantizer in cases():
        with attached(press, model, quantizer) as work:
            change = (baseline - score_in_two_phases(model, context, scored).logprob) / SCORED
        counts, acts = work.statistics, bool(work.statistics.prompts)
        yield Result(
            spec,
            ratio,
            counts.bytes_after / counts.bytes_before if acts else 1.0,
            counts.packed_bytes_after / counts.bytes_before if acts else 1.0,
            change,
            *speeds(model, press, quantizer, tokens[:, :CONTEXT], rounds if ratio in (0.5, None) else 0),
        )


def show(results):
    table = Table(
        "method", "ratio", "real", "nominal", "NLL change", "prefill", "decode", title=f"{CONTEXT} + {SCORED}"
    )
    for r in results:
        speed = [f"{value:.2f}" if value is not None else "" for value in (r.prefill_speed, r.decode_speed)]
        ratio = "" if r.ratio is None else f"{r.ratio:.2f}"
        table.add_row(r.spec, ratio, f"{r.real_bytes:.3f}", f"{r.nominal_bytes:.3f}", f"{r.nll_change:+.4f}", *speed)
    Console(width=110).print(table)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder or hub name of a causal model")
    parser.add_argument("--rounds", type=int, default=3, help="runs for the speed ratios; 0 skips them")
    parser.add_argument("--output", type=Path, help="also write the results as JSON")
    arguments = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32).eval()
    text = Path(__file__).with_name("compression_text.txt").read_text(encoding="utf-8")
    results = []
    for result in measure(model, tokenizer(text, return_tensors="pt")["input_ids"], arguments.rounds):
        results.append(result)
        print(result, file=sys.stderr, flush=True)
        if arguments.output:
            arguments.output.parent.mkdir(parents=True, exist_ok=True)
            arguments.output.write_text(json.dumps([asdict(r) for r in results], indent=1) + "\n")
    show(results)


if __name__ == "__main__":
    main()
