"""Executable rate and accuracy given executed of runs with `reasoner=logic-program`, apart, from their files.

    python benchmarks/logic_rates.py RUN [--metric NAME]

RUN is an output folder of lm-eval, made with --log_samples; trajectories.jsonl says which programs ran, the samples
say which answers are right. Shares have Wilson's 95 % intervals. Only the first of a document's repeats is counted.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from lottery_logic.rates import LogicRates

from lottery_plugins.errors import LotteryError
from lottery_plugins.results.load import TaskRun, load_run
from lottery_plugins.results.statistics import wilson
from lottery_plugins.trajectory import Trajectory


def main() -> None:
    """Print a block for each task."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--metric", help="a metric of the samples; else the task's first")
    options = parser.parse_args()
    try:
        run = load_run(options.run, "run")
    except LotteryError as error:
        raise SystemExit(str(error)) from None
    for name, task in run.tasks.items():
        print(f"{name}: {_rates(task, options.metric)}")


def _rates(task: TaskRun, metric: str | None) -> str:
    path = task.file.trajectories_path
    if path is None or not task.samples_path.is_file():
        return "no trajectories.jsonl or no samples beside it (run with --log_samples)"
    samples = [json.loads(line) for line in task.samples_path.read_text(encoding="utf-8").splitlines()]
    metric = metric or samples[0]["metrics"][0]
    scores: dict[int, Any] = {}
    for sample in samples:
        scores.setdefault(sample["doc_id"], sample[metric])
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    trajectories = [Trajectory.from_json(line) for line in lines if line["task"] == task.task and line["sample"] == 0]
    rates = LogicRates.of(trajectories, lambda trajectory: scores[trajectory.doc_id] == 1)
    return (
        f"{rates.problems} problems, {metric}\n"
        f"  executable rate          {_share(rates.executed, rates.problems)}\n"
        f"  accuracy given executed  {_share(rates.right_solved, rates.executed)}\n"
        f"  overall, by the solver   {_share(rates.right_solved, rates.problems)}\n"
        f"  overall, by any answer   {_share(rates.right, rates.problems)}\n"
        f"  took a refinement        {_share(rates.refined, rates.problems)}"
    )


def _share(part: int, whole: int) -> str:
    """ "12 of 40: 0.300 [0.180, 0.454]"."""
    if not whole:
        return "none"
    estimate = wilson(part, whole)
    return f"{part} of {whole}: {estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


if __name__ == "__main__":
    main()
