"""What wrapping costs: the same requests through lm-eval's `hf` and through `lottery` without options, interleaved.

    python benchmarks/overhead.py MODEL_FOLDER [--documents 32] [--rounds 3]

Prints the ratio of the medians within this one run on this one machine, and whether all answers were equal to the bit.
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--documents", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    os.environ["LOTTERY_CACHE"] = tempfile.mkdtemp()

    from lm_eval.models.huggingface import HFLM

    from lottery_plugins.harness.model import LotteryLM

    settings = {"pretrained": args.model, "dtype": "float32", "batch_size": 8}
    hf, ours = HFLM(**settings, device="cuda:0"), LotteryLM(**settings)
    table = Table("request", "hf, s", "lottery, s", "ratio", "equal to the bit", title="Overhead without options")
    for kind in ("generate_until", "loglikelihood", "loglikelihood_rolling"):
        times: dict[str, list[float]] = {"hf": [], "lottery": []}
        answers = {}
        for i in range(args.rounds + 1):
            for name, model in (("hf", hf), ("lottery", ours)) if i % 2 else (("lottery", ours), ("hf", hf)):
                started = time.perf_counter()
                answers[name] = getattr(model, kind)(instances(kind, args.documents))
                if i:  # the first round warms up
                    times[name].append(time.perf_counter() - started)
            ours.get_model_info()  # as lm-eval does after a run, so that the next round is computed afresh
        hf_s, ours_s = statistics.median(times["hf"]), statistics.median(times["lottery"])
        equal = "yes" if answers["hf"] == answers["lottery"] else "NO"
        table.add_row(kind, f"{hf_s:.2f}", f"{ours_s:.2f}", f"{ours_s / hf_s:.3f}", equal)
    Console().print(table)


if __name__ == "__main__":
    main()
