"""The process of one arm of a study: reads its runs as JSON from stdin and does them with lm-eval."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

from lottery_plugins.harness.exits import clear_exit
from lottery_plugins.harness.kept_models import keep_models
from lottery_plugins.harness.study import HarnessRun, note_done

__all__ = ["evaluate", "main", "task_manager"]


def main() -> None:
    """Do all runs given on stdin."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    runs = [HarnessRun(**run) for run in json.load(sys.stdin)]
    with clear_exit(), keep_models():
        for run in runs:
            evaluate(run)
            note_done(run)


def evaluate(run: HarnessRun) -> dict[str, Any]:
    """Do one run as `lm-eval run` does, and write the files that it writes."""
    from lottery_plugins.harness import autoload

    autoload.attach_now()
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker

    logging.getLogger("lm_eval").setLevel(logging.ERROR)  # its notes repeat in every run; errors are raised anyway
    tracker = EvaluationTracker(output_path=run.output_path)
    results: Any = simple_evaluate(
        model="lottery",
        model_args=dict(run.model_args),
        tasks=list(run.tasks),
        limit=run.limit,
        samples=None if run.samples is None else {task: list(chosen) for task, chosen in run.samples.items()},
        num_fewshot=run.num_fewshot,
        batch_size=run.batch_size,
        apply_chat_template=run.apply_chat_template,
        log_samples=True,
        evaluation_tracker=tracker,
        task_manager=task_manager(run),
        bootstrap_iters=0,  # intervals come from `lottery compare`, which pairs the arms
    )
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for task, rows in samples.items():
        tracker.save_results_samples(task_name=task, samples=rows)
    return dict(results)


def task_manager(run: HarnessRun) -> Any:
    """lm-eval's task manager for a run.

    Where our own task folders and the run's hold all its tasks, only they are indexed: lm-eval's thousands of tasks
    would take longer to list than a few to run.
    """
    from lm_eval.tasks import TaskManager

    from lottery_plugins.discovery import task_paths

    folders = [*map(str, task_paths()), *([run.include_path] if run.include_path is not None else [])]
    metadata = {**run.model_args, **run.metadata}
    manager = TaskManager(include_path=folders, include_defaults=False, metadata=metadata)
    if set(run.tasks) <= set(manager.all_tasks):
        return manager
    return TaskManager(include_path=folders, metadata=metadata)


if __name__ == "__main__":
    main()
