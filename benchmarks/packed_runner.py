"""Tokens per second of the packed runner beside plain transformers with a DynamicCache, at the same shapes.

    python benchmarks/packed_runner.py --model HuggingFaceTB/SmolLM2-135M-Instruct --threads 1 --dtype float32

Decode: one token for each of N rows after 600 cached positions, 400 of them shared by all. transformers has no way to
share them, so its cache holds them once per row. Prefill: 512 tokens of one sequence onto an empty cache. The best of
several runs is shown: other processes take time away, they never add speed.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

import torch
from transformers import AutoModelForCausalLM, DynamicCache

from lottery_plugins.backends.packed.build import build_runner
from lottery_plugins.backends.packed.options import PackedOptions
from lottery_plugins.protocols.engine import SamplingParams
from lottery_plugins.protocols.runner import Row

SHARED, CONTEXT, PREFILL, BLOCK = 400, 600, 512, 16
GREEDY = SamplingParams(max_tokens=1)


def best_seconds(work, seconds, clock, after=lambda: None):
    """The shortest run of those that fit a few seconds, at least two, after one to warm up; `after` is not counted."""
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = clock()
        work()
        times.append(clock() - start)
        after()
    return min(times[1:])


def decode_rows(num_rows):
    """Rows of one token after a context whose first blocks are shared."""
    shared, own = list(range(SHARED // BLOCK)), (CONTEXT - SHARED) // BLOCK + 2
    return [
        Row(ids=[7 + i], cached=CONTEXT, position=CONTEXT, params=GREEDY,
            blocks=shared + list(range(len(shared) + i * own, len(shared) + (i + 1) * own)))
        for i in range(num_rows)
    ]  # fmt: skip


def plain_decode(model, num_rows):
    """One step of transformers with a filled cache, which is cut back after each."""
    cache = DynamicCache(config=model.config)
    ids = torch.randint(1000, (num_rows, CONTEXT))
    with torch.inference_mode():
        model(input_ids=ids[:1], past_key_values=cache, use_cache=True, logits_to_keep=1)
    cache.batch_repeat_interleave(num_rows)

    def step():
        with torch.inference_mode():
            logits = model(input_ids=ids[:, :1], past_key_values=cache, use_cache=True).logits
            logits[:, -1].argmax(-1)

    def cut():
        cache.crop(-1)

    return step, cut


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="HuggingFaceTB/SmolLM2-135M-Instruct")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 8, 32, 64])
    parser.add_argument("--seconds", type=float, default=3.0, help="for each figure")
    parser.add_argument("--plain", action=argparse.BooleanOptionalAction, default=True, help="measure transformers too")
    parser.add_argument("--steps", action="store_true", help="show instead how a step's tokens get cheaper")
    parser.add_argument("--cpu-time", action="store_true", help="seconds of the CPU: with 1 thread, on a busy machine")
    args = parser.parse_args()
    clock = time.process_time if args.cpu_time else time.perf_counter
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=getattr(torch, args.dtype)).eval()
    arms = {
        name: build_runner(model, PackedOptions(threads=args.threads, prepack=prepack, kv_cache_gb=3))
        for name, prepack in (("packed", "off"), ("packed, prepacked weights", "on"))
    }
    print(f"{args.model}, {args.dtype}, {torch.get_num_threads()} threads; tokens per second (ms a step)")
    if args.steps:
        show_steps(arms["packed, prepacked weights"], args.seconds, clock)
        return
    print(f"{'':28}" + "".join(f"{f'decode {n}':>18}" for n in args.rows) + f"{f'prefill {PREFILL}':>18}")
    prefill = [Row(ids=list(range(PREFILL)), cached=0, position=0, blocks=range(PREFILL // BLOCK), params=GREEDY)]
    if args.plain:
        cells = []
        for n in args.rows:
            work, cut = plain_decode(model, n)
            cells.append((n, best_seconds(work, args.seconds, clock, cut)))
        ids = torch.arange(PREFILL)[None]

        def plain_prefill():
            with torch.inference_mode():
                model(
                    input_ids=ids, past_key_values=DynamicCache(config=model.config), use_cache=True, logits_to_keep=1
                )

        show("transformers, DynamicCache", [*cells, (PREFILL, best_seconds(plain_prefill, args.seconds, clock))])
    for name, runner in arms.items():
        steps = [(n, decode_rows(n)) for n in args.rows] + [(PREFILL, prefill)]
        cells = [(n, best_seconds(partial(step, runner, rows), args.seconds, clock)) for n, rows in steps]
        show(name, cells)


def show_steps(runner, seconds, clock):
    """Prefill of 64 tokens for each of some rows after a shared prefix, by the tokens of a step."""
    shared = list(range(SHARED // BLOCK))
    runner.begin([Row(ids=[1] * SHARED, cached=0, position=0, blocks=shared)])()
    for tokens in (16, 32, 64, 128, 256, 512, 1024):
        length = min(tokens, 64)
        rows = [
            Row(ids=list(range(length)), cached=SHARED, position=SHARED, params=GREEDY,
                blocks=shared + list(range(len(shared) + i * 4, len(shared) + (i + 1) * 4)))
            for i in range(tokens // length)
        ]  # fmt: skip
        taken = best_seconds(partial(step, runner, rows), seconds, clock)
        print(f"{tokens:5} tokens in {len(rows):2} rows: {tokens / taken:.0f}")


def step(runner, rows):
    runner.begin(rows)()


def show(name, cells):
    print(f"{name:28}" + "".join(f"{f'{n / s:.0f} ({1000 * s:.1f})':>18}" for n, s in cells), flush=True)


if __name__ == "__main__":
    main()
