"""The packed engine on one CUDA device: decode speed against the memory bandwidth, idle share, and lm-eval's rounds.

    python benchmarks/gpu_decode.py [--models smollm2 llama-8b] [--trajectories 256] [--json FILE]
    python benchmarks/gpu_decode.py --device cpu --tiny      # to try the command; its figures mean nothing

Models have the shapes of SmolLM2-135M and Llama-3.1-8B and random weights, so nothing is downloaded. Where lm-eval is
not installed, its rounds are played by `model.generate` on the same batches. The bandwidth is that of a device copy in
the same run, bytes read and written; the limit of a step is the time to read all weights and all cached states.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

sys.path[0] = str(Path(__file__).resolve().parents[1])  # so that a checkout needs no installation

from benchmarks.inference.decode_steps import (  # noqa: E402 - after the path is set
    PROFILED_TOKENS,
    copy_bandwidth,
    decode,
    idle_share,
    synchronize,
)
from benchmarks.inference.loads import MultiStepLoad  # noqa: E402
from benchmarks.inference.number_text import NumberCodec  # noqa: E402
from benchmarks.inference.subject import Subject  # noqa: E402
from benchmarks.inference.ways import rounds  # noqa: E402
from benchmarks.inference.ways_hf import LmEval  # noqa: E402
from benchmarks.inference.ways_ours import solve_all  # noqa: E402
from lottery_plugins.backends.packed.build import build_runner  # noqa: E402
from lottery_plugins.backends.packed.cache import bytes_per_position  # noqa: E402
from lottery_plugins.backends.packed.options import PackedOptions  # noqa: E402
from lottery_plugins.backends.packed.support import layer_shapes  # noqa: E402
from lottery_plugins.engine.packed import PackedEngine  # noqa: E402

SHAPES = {
    "smollm2": {
        "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
        "num_attention_heads": 9, "num_key_value_heads": 3, "tie_word_embeddings": True,
    },
    "llama-8b": {
        "vocab_size": 128256, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
        "num_attention_heads": 32, "num_key_value_heads": 8, "tie_word_embeddings": False,
    },
    "tiny": {
        "vocab_size": 512, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True,
    },
}  # fmt: skip
_BLOCK = 256  # the largest block of any kernel


@dataclass
class Found:
    """Figures of one model. Seconds are wall time."""

    model: str
    weights_gb: float
    kernel: str
    graphs: str
    build_s: float
    bandwidth_gb_s: float
    decode_tokens_s: float
    limit_tokens_s: float
    limit_share: float
    step_ms: float
    idle_share: float | None
    ours_s: float
    forwarded_over_ideal: float
    rounds: str
    rounds_s: float
    times_rounds: float


def make_subject(name, device, dtype):
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(0)
    config = LlamaConfig(**SHAPES[name], max_position_embeddings=8192, bos_token_id=None, eos_token_id=None)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=dtype).eval().requires_grad_(False)
    never = config.vocab_size - 1
    model.generation_config.eos_token_id, model.generation_config.pad_token_id = None, never
    drawn = random.Random(0)
    return Subject(model, "", [drawn.randrange(4, never) for _ in range(20_000)], never)


def read_each_step(model):
    """Bytes of the weights that a decode step reads: all but the rows of an embedding that is no output matrix."""
    total = sum(p.nbytes for p in model.parameters())
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    return total if tied else total - model.get_input_embeddings().weight.nbytes


class Generate:
    """`model.generate` on a round's prompts, which are equally long: what lm-eval's `hf` does, less its own work."""

    def __init__(self, subject):
        self._subject = subject

    def run(self, load):
        def answer(prompts):
            ids = torch.tensor(prompts, device=self._subject.model.device)
            with torch.inference_mode():
                made = self._subject.model.generate(
                    ids, attention_mask=torch.ones_like(ids), max_new_tokens=load.generated, do_sample=False
                )
            return made[:, ids.shape[1] :].tolist()

        return rounds(self._subject, load, answer)


def seconds_of(call, device):
    synchronize(device)
    started = time.perf_counter()
    call()
    synchronize(device)
    return time.perf_counter() - started


def measure(name, args, device, say):
    """All figures of one model."""
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    subject = make_subject(name, device, dtype)
    bandwidth = copy_bandwidth(device, 2**32 if device == "cuda" else 2**26)
    load = MultiStepLoad(trajectories=args.trajectories, steps=args.steps)
    each = bytes_per_position(layer_shapes(subject.model))
    longest = max(load.longest, args.context + max(args.new, PROFILED_TOKENS))
    cache_gb = each * args.trajectories * (-(-longest // _BLOCK) + 1) * _BLOCK / 1e9
    say(f"{name}: building, cache of {cache_gb:.1f} GB")
    started = time.perf_counter()
    runner = build_runner(subject.model, PackedOptions(kv_cache_gb=cache_gb, cuda_graphs=not args.no_graphs))
    build_s = time.perf_counter() - started
    executor = runner._executor
    say(f"{name}: decoding {args.trajectories} rows")
    timed = decode(subject, runner, args.trajectories, args.context, args.new)
    intervals = [b - a for a, b in zip(timed.begun[8:], timed.begun[9:], strict=False)]
    step_s = statistics.median(intervals)
    least_s = (read_each_step(subject.model) + statistics.median(timed.positions[8:]) * each) / bandwidth
    say(f"{name}: profiling")
    idle = idle_share(subject, runner, args.trajectories, args.context, device)
    say(f"{name}: {args.trajectories} x {args.steps} steps, ours")
    asyncio.run(solve_all(make_engine(subject, runner), small(load), subject.text_ids))
    engine = make_engine(subject, runner)
    ours_s = seconds_of(lambda: asyncio.run(solve_all(engine, load, subject.text_ids)), device)
    graphs = getattr(executor, "graphs", None)
    captured = "none" if graphs is None else ", ".join(map(str, sorted(graphs.captured))) or "none"
    kernel = getattr(getattr(executor, "_kernel", None), "name", "flash kernel of the CPU")
    del runner, executor, graphs, timed
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
    way = LmEval(subject) if find_spec("lm_eval") else Generate(subject)
    say(f"{name}: {args.trajectories} x {args.steps} steps, {type(way).__name__}")
    way.run(small(load))
    rounds_s = seconds_of(lambda: way.run(load), device)
    return Found(
        model=name,
        weights_gb=sum(p.nbytes for p in subject.model.parameters()) / 1e9,
        kernel=kernel,
        graphs=captured,
        build_s=build_s,
        bandwidth_gb_s=bandwidth / 1e9,
        decode_tokens_s=args.trajectories / step_s,
        limit_tokens_s=args.trajectories / least_s,
        limit_share=least_s / step_s,
        step_ms=1000 * step_s,
        idle_share=idle,
        ours_s=ours_s,
        forwarded_over_ideal=engine.statistics.forwarded_tokens / load.ideal_forwarded,
        rounds="lm-eval" if isinstance(way, LmEval) else "generate",
        rounds_s=rounds_s,
        times_rounds=rounds_s / ours_s,
    )


def make_engine(subject, runner):
    return PackedEngine(runner, NumberCodec(subject.vocab_size))


def small(load):
    """A load that warms up what the large one uses, with other texts."""
    return MultiStepLoad(trajectories=load.trajectories, steps=1, observed=16, generated=8, shared=32, seed=9)


def show(found, console, where):
    table = Table("", *(f.model for f in found), title=where)

    def row(title, text):
        table.add_row(title, *(text(f) for f in found))

    row("weights, GB", lambda f: f"{f.weights_gb:.2f}")
    row("attention", lambda f: f.kernel)
    row("captured for rows", lambda f: f.graphs)
    row("built in, s", lambda f: f"{f.build_s:.1f}")
    row("copy bandwidth, GB/s", lambda f: f"{f.bandwidth_gb_s:.0f}")
    row("decode, tok/s", lambda f: f"{f.decode_tokens_s:,.0f}")
    row("limit by bandwidth, tok/s", lambda f: f"{f.limit_tokens_s:,.0f}")
    row("share of the limit (goal 50 %)", lambda f: f"{f.limit_share:.0%}")
    row("decode step, ms", lambda f: f"{f.step_ms:.2f}")
    row("idle (goal 10 %)", lambda f: "not measured" if f.idle_share is None else f"{f.idle_share:.0%}")
    row("multi-step load, ours, s", lambda f: f"{f.ours_s:.2f}")
    row("tokens forwarded / ideal", lambda f: f"{f.forwarded_over_ideal:.3f}")
    row("multi-step load, rounds, s", lambda f: f"{f.rounds_s:.2f} ({f.rounds})")
    row("times as fast (goal 10)", lambda f: f"{f.times_rounds:.1f}")
    console.print(table)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", choices=list(SHAPES), default=["smollm2", "llama-8b"])
    parser.add_argument("--trajectories", type=int, default=256)
    parser.add_argument("--steps", type=int, default=4, help="of the multi-step load")
    parser.add_argument("--context", type=int, default=512, help="tokens of each prompt whose decoding is timed")
    parser.add_argument("--new", type=int, default=96, help="tokens decoded after it")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--tiny", action="store_true", help="a tiny model and load, to try the command")
    parser.add_argument("--no-graphs", action="store_true", help="decode without captured graphs")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        return f"This benchmark needs a CUDA device, and torch {torch.__version__} sees none; see --help for a trial."
    if args.tiny:
        args.models, args.trajectories, args.steps, args.context, args.new = ["tiny"], 6, 2, 40, 48
    console = Console(width=110)
    found = []
    for name in args.models:
        found.append(measure(name, args, args.device, lambda line: print(f"{time.strftime('%H:%M:%S')} {line}")))
        gc.collect()
        if args.device == "cuda":
            torch.cuda.empty_cache()
    device = torch.cuda.get_device_name() if args.device == "cuda" else "CPU"
    show(found, console, f"{device}, torch {torch.__version__}, {args.trajectories} trajectories")
    if args.json:
        args.json.write_text(json.dumps([asdict(f) for f in found], indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
