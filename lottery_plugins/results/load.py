"""Read what lm-eval runs left in a folder: results files, and beside them our ledger where there is one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lottery_plugins.errors import DataError, RunsNotComparableError
from lottery_plugins.ledger import LEDGER_FILE, TRAJECTORIES_FILE, Ledger

__all__ = ["AUGMENTATION", "LIMITS", "MACHINE", "ResultsFile", "Run", "TaskRun", "load_run", "read_json"]

AUGMENTATION = frozenset(
    {"reasoner", "tools", "max_tools", "retriever", "memory", "verifier", "knowledge_base", "proxy_model"}
)
"""Model arguments that make an arm augmented."""

LIMITS = frozenset({"max_calls", "max_tool_calls", "max_new_tokens", "max_seconds", "max_live", "max_failed", "resume"})
MACHINE = frozenset(
    """
    engine batch_size max_batch_size max_num_seqs device parallelize num_concurrent gpu_memory_utilization
    tensor_parallel_size pipeline_parallel_size data_parallel_size distributed_executor_backend
    """.split()  # noqa: SIM905 - one quoted name after another would be longer
)
"""Model arguments that say where and how fast, not what."""

_MAY_DIFFER = AUGMENTATION | LIMITS | MACHINE | {"evidence", "budget_of"}
_DATED = re.compile(r"_(?P<date>\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}(\.\d+)?)\.json$")


@dataclass(frozen=True, slots=True, eq=False)
class ResultsFile:
    """One results file of lm-eval, with our ledger if it belongs to it.

    Attributes:
        path: The file.
        date: As in its name; sorts by age.
        data: Its content.
        ledger: None where the run was not ours.
    """

    path: Path
    date: str
    data: Mapping[str, Any]
    ledger: Ledger | None = None

    @property
    def model_args(self) -> Mapping[str, Any]:
        """Arguments of the model as lm-eval recorded them, by name."""
        arguments = _mapping(self.data.get("config")).get("model_args")
        if isinstance(arguments, str):
            pairs = (part.partition("=") for part in arguments.split(",") if part)
            return {name.strip(): value.strip() for name, _, value in pairs}
        return _mapping(arguments)

    @property
    def model(self) -> str:
        """What must not change within a run: the model as compressed. What augments it may differ from task to task."""
        own = {k: str(v) for k, v in sorted(self.model_args.items()) if k not in _MAY_DIFFER}
        return f"{_mapping(self.data.get('config')).get('model')} {json.dumps(own)}"

    @property
    def trajectories_path(self) -> Path | None:
        """Our trajectories of this run; None where the run was not ours."""
        path = self.path.with_name(TRAJECTORIES_FILE)
        return path if self.ledger is not None and path.is_file() else None


@dataclass(frozen=True, slots=True, eq=False)
class TaskRun:
    """One task of a run: its newest result."""

    task: str
    file: ResultsFile

    @property
    def config(self) -> Mapping[str, Any]:
        """The task's configuration as lm-eval recorded it; may be empty for foreign results."""
        return _mapping(_mapping(self.file.data.get("configs")).get(self.task))

    @property
    def lottery(self) -> Mapping[str, Any]:
        """What the task's YAML says under `metadata.lottery`."""
        return _mapping(_mapping(self.config.get("metadata")).get("lottery"))

    @property
    def version(self) -> str:
        """Task version; "not stated" where the task has none."""
        stated = _mapping(self.config.get("metadata")).get("version")
        listed = _mapping(self.file.data.get("versions")).get(self.task)
        version = stated if stated is not None else listed
        return "not stated" if version in (None, "Yaml", "N/A") else str(version)

    @property
    def num_fewshot(self) -> int | None:
        """Few-shot examples in each prompt; None where the results don't tell."""
        return _mapping(self.file.data.get("n-shot")).get(self.task)

    @property
    def samples_path(self) -> Path:
        """Where lm-eval writes the samples when they are logged."""
        return self.file.path.with_name(f"samples_{self.task}_{self.file.date}.jsonl")


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A run: each task's newest result below one folder.

    Attributes:
        name: As shown in the tables.
        folder: The folder, or the one results file, that was read.
        tasks: By task name.
        notes: What a reader should know about the folder.
    """

    name: str
    folder: Path
    tasks: Mapping[str, TaskRun]
    notes: tuple[str, ...] = ()

    def check_one_model(self, tasks: set[str]) -> None:
        """Refuse a mixture of models.

        Raises:
            RunsNotComparableError: The newest results of these tasks come from different models.
        """
        found = {self.tasks[t].file.model: self.tasks[t] for t in sorted(tasks & self.tasks.keys())}
        if len(found) > 1:
            examples = "; ".join(f"{t.task} by {model}" for model, t in list(found.items())[:2])
            raise RunsNotComparableError(
                f"{self.folder} holds newest results of {len(found)} different models ({examples})",
                "Name the sub-folder or the results file of one of them, or leave tasks out with --exclude.",
            )


def load_run(path: Path, name: str) -> Run:
    """Read a run.

    Args:
        path: A folder, searched at any depth, or one results file.
        name: The run's name in tables and messages.

    Raises:
        DataError: Nothing is there, or a file can't be read.
    """
    if not path.exists():
        raise DataError(str(path), "does not exist", "Name an output folder of lm-eval (--output_path).")
    files = sorted(_results_files(path), key=lambda file: file.date)
    if not files:
        hint = "It must hold results_<date>.json as lm-eval writes it with --output_path."
        raise DataError(str(path), "holds no results of lm-eval", hint)
    tasks: dict[str, TaskRun] = {}
    notes: list[str] = []
    for file in files:
        for task in _task_names(file.data):
            older = tasks.get(task)
            if older is not None and older.file.model_args != file.model_args:
                notes.append(
                    f"{name}: {task} is taken from {file.path.name}; the older {older.file.path.name} was made with "
                    "other model arguments."
                )
            tasks[task] = TaskRun(task, file)
    return Run(name, path, tasks, tuple(notes))


def _results_files(path: Path) -> Iterator[ResultsFile]:
    for candidate in [path] if path.is_file() else path.rglob("*.json"):
        dated = _DATED.search(candidate.name)
        if dated is None and candidate != path:
            continue
        data = read_json(candidate)
        if not (isinstance(data, dict) and isinstance(data.get("results"), dict)):
            if candidate == path or candidate.name.startswith("results_"):
                raise DataError(str(candidate), "is no results file of lm-eval", "It has no 'results'.")
            continue
        yield ResultsFile(candidate, dated["date"] if dated else "", data, _ledger_of(candidate))


def _ledger_of(results: Path) -> Ledger | None:
    """Our ledger, if it belongs to this results file and not to another one in the same folder."""
    path = results.with_name(LEDGER_FILE)
    if not path.is_file():
        return None
    ledger = Ledger.from_json(read_json(path), str(path))
    return ledger if ledger.run.get("results_file") == results.name else None


def read_json(path: Path) -> Any:
    """Parse one JSON file.

    Raises:
        DataError: It can't be read, or is not JSON; the message names file and line.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        problem = f"is not valid JSON at line {error.lineno}, column {error.colno} ({error.msg})"
        raise DataError(str(path), problem, "The run may have been cut off: run it again, or remove it.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(str(path), f"can't be read ({error})") from error


def _task_names(data: Mapping[str, Any]) -> list[str]:
    """Tasks of a results file; groups are left out."""
    configs = _mapping(data.get("configs"))
    groups = _mapping(data.get("groups"))
    return [task for task in data["results"] if (task in configs if configs else task not in groups)]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
