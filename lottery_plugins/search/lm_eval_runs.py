"""Tickets run by lm-eval, as anybody would run them: one run for all tasks that share their model arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lottery_plugins.harness.study import HarnessRun, is_done
from lottery_plugins.ledger import Counters, Ledger
from lottery_plugins.results.align import is_higher_better
from lottery_plugins.results.load import TaskRun, load_run
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.samples import document_rows, read_scores, sample_rows
from lottery_plugins.search.measure import Cost, Job, Measured, TaskDocuments, TaskRows
from lottery_plugins.search.plan import SearchPlan
from lottery_plugins.search.process import WorkerProcess

__all__ = ["LmEvalRuns", "runs_of"]


class LmEvalRuns:
    """An `Evaluator` with one worker process, and so one model in memory.

    Args:
        plan: The study file.
        folder: Where the runs are kept; those that are finished are read again.
        log: The worker's stderr.
    """

    def __init__(self, plan: SearchPlan, folder: Path, log: str = "worker.log") -> None:
        self._plan, self._folder = plan, folder
        self._worker = WorkerProcess(folder / log)

    def documents(self, tasks: Sequence[str]) -> Mapping[str, TaskDocuments]:
        """See `Evaluator`."""
        run = HarnessRun(model_args={}, tasks=list(tasks), output_path=str(self._folder), **self._plan.run)
        found = self._worker.ask("documents", run)
        return {task: TaskDocuments(found[task]["labels"], found[task]["margin"]) for task in tasks}

    def evaluate(self, job: Job) -> Measured:
        """See `Evaluator`."""
        total = Measured({}, Cost())
        for run in runs_of(self._plan, job, self._folder):
            if not is_done(run):
                self._worker.ask("run", run)
            total = total + _measured(run)
        return total

    def close(self) -> None:
        """End the worker."""
        self._worker.close()


def runs_of(plan: SearchPlan, job: Job, folder: Path) -> list[HarnessRun]:
    """The lm-eval runs of a job."""
    return [
        HarnessRun(
            model_args=arguments,
            tasks=tasks,
            output_path=str(folder / job.name / (tasks[0] if len(tasks) == 1 else f"{tasks[0]}+{len(tasks) - 1}")),
            samples={task: sorted(job.documents[task]) for task in tasks},
            **plan.run,
        )
        for arguments, tasks in job.ticket.groups(list(job.documents))
    ]


def _measured(run: HarnessRun) -> Measured:
    found = load_run(Path(run.output_path), "run")
    rows = {task: _rows(found.tasks[task]) for task in run.tasks}
    cost = Cost()
    for task, task_rows in rows.items():
        cost = cost + _cost(found.tasks[task].file.ledger, task, len(task_rows.scores))
    return Measured(rows, cost)


def _rows(run: TaskRun) -> TaskRows:
    read = read_scores(run, CompareOptions())
    sign = 1.0 if is_higher_better(run, read.metric) else -1.0
    index = {row.document: int(row.row["doc_id"]) for row in document_rows(sample_rows(run.samples_path), read.filter)}
    return TaskRows(
        scores={index[d]: None if d in read.failed else sign * score for d, score in read.scores.items()},
        clusters={index[document]: cluster for document, cluster in read.clusters.items()},
    )


def _cost(ledger: Ledger | None, task: str, samples: int) -> Cost:
    """Of one task. A proxy's and a verifier's weights are part of a ticket, so their bytes are counted."""
    counters = ledger.tasks.get(task) if ledger is not None else None
    if ledger is None or counters is None:
        return Cost(samples=samples, tokens=None, seconds=None)
    stored = ledger.weights.stored if ledger.weights is not None else None
    more = [(ledger.proxy.get("weights") or {}).get("stored"), ledger.verifier.get("weight_bytes")]
    if stored is not None:
        stored += sum(number for number in more if number)
    return replace(Cost(samples=samples, bytes=stored), tokens=_tokens(counters), seconds=counters.seconds)


def _tokens(counters: Counters) -> float | None:
    """Tokens of all prompts and completions, cached ones included: every engine counts them, and servers bill them.

    Of documents that are only scored, the tokens sent through the model.
    """
    if not counters.lm_calls and not counters.proxy_calls:
        return counters.forwarded_tokens
    parts = (
        counters.prompt_tokens,
        counters.generated_tokens,
        counters.proxy_prompt_tokens,
        counters.proxy_generated_tokens,
    )
    return None if None in parts else sum(part or 0 for part in parts)
