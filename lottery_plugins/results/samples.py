"""The scores of one task's documents, read from the samples that lm-eval logged."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lottery_plugins.errors import ConfigError, DataError, RunsNotComparableError, suggest
from lottery_plugins.results.load import TaskRun
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.trajectories import trajectories_of

__all__ = ["Document", "DocumentRow", "TaskScores", "document_rows", "read_scores", "sample_rows"]

_LONG = frozenset({"arguments", "resps", "filtered_resps"})
"""Texts that are of no use for scores."""


class Document(NamedTuple):
    """What pairs a row of one run with a row of another: the document's hash, and which of its duplicates it is."""

    hash: str
    occurrence: int


class DocumentRow(NamedTuple):
    """A row that lm-eval logged: its line in the file, its document, and what it holds."""

    line: int
    document: Document
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TaskScores:
    """One run's scores on one task.

    Attributes:
        metric: The metric.
        filter: The filter of lm-eval whose answers were scored.
        scores: By document, as logged.
        targets: Hash of the gold answer by document; "" where it was not logged.
        clusters: Cluster label by document; empty when the task names no cluster field.
        failed: Documents that failed in every repeat; whatever was logged for them counts as wrong.
    """

    metric: str
    filter: str
    scores: Mapping[Document, float]
    targets: Mapping[Document, str]
    clusters: Mapping[Document, str] = field(default_factory=dict)
    failed: frozenset[Document] = frozenset()


def read_scores(run: TaskRun, options: CompareOptions) -> TaskScores:
    """Read a task's samples.

    Raises:
        RunsNotComparableError: The samples were not logged.
        ConfigError: The metric or the filter does not exist.
        DataError: A line can't be read, or holds no usable score.
    """
    path = run.samples_path
    if not path.is_file():
        raise RunsNotComparableError(
            f"{run.task} has no samples beside {run.file.path}", "Run lm-eval again with --log_samples."
        )
    rows = [(line, {k: v for k, v in row.items() if k not in _LONG}) for line, row in sample_rows(path)]
    if not rows:
        raise DataError(str(path), "is empty", "The run may have been cut off: run it again.")
    chosen = _choose_filter(run, options, [str(row.get("filter", "none")) for _, row in rows])
    documents = list(document_rows(rows, chosen))
    metric = _choose_metric(run, options, documents[0].row)
    failed_ids = _failed_documents(run)
    cluster_field = run.lottery.get("cluster")
    scores, targets, clusters, failed = {}, {}, {}, set()
    for line, document, row in documents:
        where = f"{path}, line {line}"
        if row.get("doc_id") in failed_ids:
            failed.add(document)
        scores[document] = _score(row, metric, where)
        targets[document] = str(row.get("target_hash", ""))
        if cluster_field is not None:
            clusters[document] = _cluster(row, str(cluster_field), where)
    return TaskScores(metric, chosen, scores, targets, clusters, frozenset(failed))


def sample_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows that lm-eval logged, with their line numbers.

    Raises:
        DataError: A line is no sample.
    """
    with path.open(encoding="utf-8") as file:
        for line, text in enumerate(file, 1):
            if not text.strip():
                continue
            try:
                row = json.loads(text)
            except json.JSONDecodeError as error:
                raise DataError(f"{path}, line {line}", f"is not valid JSON ({error.msg})", "Run it again.") from error
            if not isinstance(row, dict) or not isinstance(row.get("doc_hash"), str):
                raise DataError(f"{path}, line {line}", "has no 'doc_hash'", "Only samples of lm-eval can be paired.")
            yield line, row


def document_rows(rows: Iterable[tuple[int, Mapping[str, Any]]], chosen_filter: str) -> Iterator[DocumentRow]:
    """The rows of one filter, from `sample_rows`, each with what pairs it with those of other runs."""
    seen: Counter[str] = Counter()
    for line, row in rows:
        if str(row.get("filter", "none")) == chosen_filter:
            yield DocumentRow(line, Document(row["doc_hash"], seen[row["doc_hash"]]), row)
            seen[row["doc_hash"]] += 1


def _choose_filter(run: TaskRun, options: CompareOptions, logged: list[str]) -> str:
    listed = run.config.get("filter_list")
    first = str(listed[0].get("name", "")) if isinstance(listed, list) and listed else ""
    if options.filter is not None and options.filter not in logged:
        allowed = " or ".join(repr(name) for name in dict.fromkeys(logged))
        hint = f"{suggest(options.filter, logged)}These are the filters of {run.task}; --exclude {run.task} skips it."
        raise ConfigError("--filter", options.filter, allowed, hint)
    return options.filter or (first if first in logged else logged[0])


def _choose_metric(run: TaskRun, options: CompareOptions, row: Mapping[str, Any]) -> str:
    """The metric: asked for, else named by the task, else the first of its list that was logged."""
    logged = [str(name) for name in row.get("metrics") or []]
    listed = [str(m.get("metric")) for m in run.config.get("metric_list") or [] if isinstance(m, dict)]
    wanted, where = options.metric, "--metric"
    if wanted is None and run.lottery.get("metric") is not None:
        wanted, where = str(run.lottery["metric"]), f"{run.task}: metadata.lottery.metric"
    if wanted is None:
        wanted = next((name for name in [*listed, *logged] if name in row), None)
    if wanted is None or wanted not in (logged or row):
        hint = f"{suggest(wanted or '', logged)}These were logged for {run.task}; --exclude {run.task} skips it."
        raise ConfigError(where, wanted, " or ".join(map(repr, logged)) or "a logged metric", hint)
    return wanted


def _score(row: Mapping[str, Any], metric: str, where: str) -> float:
    score = row.get(metric)
    if isinstance(score, (bool, int, float)) and math.isfinite(score):
        return float(score)
    hint = (
        "It must be one number per sample. Choose another metric with --metric, or leave the task out with --exclude."
    )
    raise DataError(where, f"has {score!r} as its score of {metric!r}", hint)


def _cluster(row: Mapping[str, Any], name: str, where: str) -> str:
    doc = row.get("doc")
    if isinstance(doc, dict) and name in doc:
        return json.dumps(doc[name], sort_keys=True)
    raise DataError(where, f"has no field {name!r} in its document", "The task names it as metadata.lottery.cluster.")


def _failed_documents(run: TaskRun) -> set[int]:
    """Documents all of whose repeats failed, from our trajectories; empty for other people's runs."""
    entries = trajectories_of(run)
    finished = {doc_id for (doc_id, _), entry in entries.items() if not entry.is_failed}
    return {doc_id for doc_id, _ in entries} - finished
