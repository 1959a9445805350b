"""What wrapping costs: the same requests through lm-eval's `hf` and through `lottery` without options, interleaved.

    python benchmarks/overhead.py MODEL_FOLDER [--documents 16] [--rounds 5]

Prints medians, and the median over the rounds of the ratio of two runs that followed each other: of wall time and of
processor time, which other work on the machine disturbs less. And whether all answers were equal to the bit.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time

from lm_eval.api.instance import Instance
from rich.console import Console
from rich.table import Table


def instances(kind: str, num: int) -> list[Instance]:
    texts = [f"{i}. The town of number {i * 37 % 101} lies by a river. " * (1 + i % 4) for i in range(num)]
    settings = {"until": ["\n\n"], "do_sample": False, "max_gen_toks": 16}
    arguments = {
        "generate_until": [(text, settings) for text in texts],
        "loglikelihood": [(text, " It is old and quiet.") for text in texts],
        "loglikelihood_rolling": [(text,) for text in texts],
    }[kind]
    return [
        Instance(request_type=kind, doc={}, arguments=args, idx=0, metadata=("a_task", i, 1))
        for i, args in enumerate(arguments)
    ]


def paired_ratio(times: dict[str, list[float]]) -> float:
    return statistics.median(ours / hf for ours, hf in zip(times["lottery"], times["hf"], strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--documents", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    os.environ["LOTTERY_CACHE"] = tempfile.mkdtemp()

    from lm_eval.models.huggingface import HFLM

    from lottery_plugins.harness.model import LotteryLM

    settings = {"pretrained": args.model, "dtype": "float32", "batch_size": 8}
    hf, ours = HFLM(**settings, device="cuda:0"), LotteryLM(**settings)
    columns = ("request", "hf, s", "lottery, s", "wall ratio", "processor ratio", "equal to the bit")
    table = Table(*columns, title="Overhead without options")
    for kind in ("generate_until", "loglikelihood", "loglikelihood_rolling"):
        wall: dict[str, list[float]] = {"hf": [], "lottery": []}
        cpu: dict[str, list[float]] = {"hf": [], "lottery": []}
        answers = {}
        for i in range(args.rounds + 1):
            for name, model in (("hf", hf), ("lottery", ours)) if i % 2 else (("lottery", ours), ("hf", hf)):
                started, worked = time.perf_counter(), time.process_time()
                answers[name] = getattr(model, kind)(
                    instances(kind, args.documents * (1 if kind == "generate_until" else 4))
                )
                if i:  # the first round warms up
                    wall[name].append(time.perf_counter() - started)
                    cpu[name].append(time.process_time() - worked)
            ours.get_model_info()  # as lm-eval does after a run, so that the next round is computed afresh
        table.add_row(
            kind,
            f"{statistics.median(wall['hf']):.2f}",
            f"{statistics.median(wall['lottery']):.2f}",
            f"{paired_ratio(wall):.3f}",
            f"{paired_ratio(cpu):.3f}",
            "yes" if answers["hf"] == answers["lottery"] else "NO",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
