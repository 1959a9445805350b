"""Runs of lm-eval, two reasoned and one plain, in as many processes as start this: `run_on_ranks.py MODEL OUT`.

lm-eval cuts the documents among processes only where it sees several GPUs, so it is told of two; all runs on the CPU.
"""

import os
import sys

import torch

if "WORLD_SIZE" in os.environ:
    torch.cuda.device_count = lambda: 2

import _lottery_autoload

_lottery_autoload.install()

from lm_eval import simple_evaluate  # noqa: E402
from lm_eval.loggers import EvaluationTracker  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402

from lottery_plugins.discovery import task_paths  # noqa: E402

THINKING = {"reasoner": "chain-of-thought:max_tokens=6"}
ARMS = {"rounds": {**THINKING, "engine": "rounds"}, "packed": {**THINKING, "engine": "packed"}, "plain": {}}


def main(model, out):
    manager = TaskManager(include_path=[str(p) for p in task_paths()], include_defaults=False)
    for arm, arguments in ARMS.items():
        tracker = EvaluationTracker(output_path=f"{out}/{arm}")
        results = simple_evaluate(
            model="lottery",
            model_args={"pretrained": model, "dtype": "float32", **arguments},
            tasks=["lottery_arithmetic", "lottery_strings"],
            limit=3,
            batch_size=1,
            gen_kwargs="max_gen_toks=5",
            log_samples=True,
            evaluation_tracker=tracker,
            task_manager=manager,
            bootstrap_iters=0,
        )
        if results is None:
            continue  # not the first process
        samples = results.pop("samples")
        tracker.save_results_aggregated(results=results, samples=samples)
        for task, rows in samples.items():
            tracker.save_results_samples(task_name=task, samples=rows)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
