"""What stock lm-eval gets from us, module by module, once it has imported one.

lm-eval 0.4.13 has no way for an outside package to offer a model or tasks. So `_lottery_autoload` waits for a handful
of its modules and hands each to `attach`, which adds:

    lm_eval.models                       the model name `lottery`, lazily
    lm_eval.tasks.manager                our task folders; what each loaded task offers a reasoner
    lm_eval.evaluator                    the paper's data is read before the model is loaded
    lm_eval._cli.validate                globs in --tasks, which `run` expands and `validate` does not
    lm_eval.loggers.evaluation_tracker   trajectories and ledger beside lm-eval's results file
    lm_eval._cli.harness                 one clear sentence instead of a traceback

Each addition wraps one method, keeps its signature, is made once, and leaves out what lm-eval does by itself.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from _lottery_autoload import report
from lottery_plugins.harness import early_data, exits, offers

__all__ = ["MODEL_NAME", "MODEL_TARGET", "attach", "attach_now", "results_file_of"]

MODEL_NAME = "lottery"
MODEL_TARGET = "lottery_plugins.harness.model:LotteryLM"


def attach(module: ModuleType) -> None:
    """Add what belongs to this module of lm-eval. A second call changes nothing."""
    _ADDITIONS[module.__name__](module)


def _wrap_method(cls: type | ModuleType, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace a method, or a module's function, by what `make` builds around it, unless that was done before."""
    original = getattr(cls, name)
    if getattr(original, "added_by_lottery", False):
        return
    wrapped = functools.wraps(original)(make(original))
    wrapped.added_by_lottery = True  # type: ignore[attr-defined]
    setattr(cls, name, wrapped)


def _lottery_model_ran() -> bool:
    return MODEL_TARGET.partition(":")[0] in sys.modules


# ------------------------------------------------------------------------------------------------------------ model


def _add_model(models: ModuleType) -> None:
    registry_module = import_module("lm_eval.api.registry")
    if MODEL_NAME in registry_module.model_registry or _reads_entry_points(models, registry_module):
        return
    registry_module.model_registry.register(MODEL_NAME, target=MODEL_TARGET)


def _reads_entry_points(*modules: ModuleType) -> bool:
    """Whether this lm-eval reads the group `lm_eval.models`: 0.4.13 does not, its main branch does."""
    return any("entry_point" in name or "plugin" in name for module in modules for name in vars(module))


# ------------------------------------------------------------------------------------------------------------ tasks


def _add_tasks(manager: ModuleType) -> None:
    _wrap_method(manager.TaskManager, "__init__", _with_our_folders)
    for name in ("load", "load_task_or_group"):
        if hasattr(manager.TaskManager, name):
            _wrap_method(manager.TaskManager, name, _remembering_offers)


def _our_folders() -> list[Path]:
    """The task folders of all plugins; none, with one line on stderr, when they can't be told."""
    try:
        discovery: Any = import_module("lottery_plugins.discovery")
        return list(discovery.task_paths())
    except Exception as error:  # noqa: BLE001 - lm-eval must go on with its own tasks
        report("finding task folders", error)
        return []


def _with_our_folders(init: Callable[..., None]) -> Callable[..., None]:
    signature = inspect.signature(init)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        wanted = bound.arguments.get("include_path")
        if bound.arguments.get("include_defaults", True):  # without defaults, the caller wants only what it names
            bound.arguments["include_path"] = _join_folders(_our_folders(), wanted) or None
        init(*bound.args, **bound.kwargs)
        self.include_path = wanted

    return __init__


def _join_folders(ours: list[Path], wanted: Any) -> list[Any]:
    """Ours first, because lm-eval lets later folders win; none of ours that the user names as well."""
    named = [] if not wanted else [wanted] if isinstance(wanted, str | os.PathLike) else list(wanted)
    taken = {Path(folder).resolve() for folder in named}
    joined: list[Any] = []
    for folder in ours:
        if folder.resolve() not in taken:
            taken.add(folder.resolve())
            joined.append(folder)
    return joined + named


def _remembering_offers(load: Callable[..., Any]) -> Callable[..., Any]:
    def load_and_remember(self: Any, *args: Any, **kwargs: Any) -> Any:
        loaded = load(self, *args, **kwargs)
        for task in _tasks_in(loaded):
            metadata = getattr(task.config, "metadata", None)
            offers.remember(task.task_name, metadata.get("lottery") if isinstance(metadata, Mapping) else None)
        return loaded

    return load_and_remember


def _tasks_in(loaded: Mapping[Any, Any]) -> Iterator[Any]:
    """The tasks in what a TaskManager loaded: flat dicts of tasks and groups, or the older nested ones."""
    for value in loaded.values():
        if isinstance(value, Mapping):
            yield from _tasks_in(value)
        elif hasattr(value, "task_name") and hasattr(value, "config"):
            yield value


def _add_early_reading(evaluator: ModuleType) -> None:
    _wrap_method(evaluator, "simple_evaluate", early_data.read_data_first)


# ---------------------------------------------------------------------------------------------------------- command


def _add_globs(validate: ModuleType) -> None:
    _wrap_method(validate.Validate, "_execute", _expanding_globs)


def _expanding_globs(execute: Callable[..., None]) -> Callable[..., None]:
    def _execute(self: Any, args: Any) -> None:
        if not any(sign in args.tasks for sign in "*?["):
            return execute(self, args)
        tasks: Any = import_module("lm_eval.tasks")
        manager = tasks.TaskManager(include_path=args.include_path)
        args.tasks = ",".join(
            name for pattern in args.tasks.split(",") for name in manager.match_tasks([pattern]) or [pattern]
        )
        make_manager, tasks.TaskManager = tasks.TaskManager, lambda **_: manager  # indexing takes seconds: do it once
        try:
            return execute(self, args)
        finally:
            tasks.TaskManager = make_manager

    return _execute


def _add_clear_exit(harness: ModuleType) -> None:
    _wrap_method(harness.HarnessCLI, "execute", _ending_clearly)


def _ending_clearly(execute: Callable[..., None]) -> Callable[..., None]:
    def execute_clearly(self: Any, args: Any) -> None:
        with exits.clear_exit(says_interrupted=_lottery_model_ran):
            execute(self, args)

    return execute_clearly


# ---------------------------------------------------------------------------------------------------------- records


def _add_records(tracker: ModuleType) -> None:
    _wrap_method(tracker.EvaluationTracker, "save_results_aggregated", _exporting_records)
    _wrap_method(tracker.EvaluationTracker, "save_results_samples", _checking_samples)


def _exporting_records(save: Callable[..., None]) -> Callable[..., None]:
    def save_and_export(self: Any, *args: Any, **kwargs: Any) -> None:
        before = getattr(self, "date_id", None)
        save(self, *args, **kwargs)
        written = results_file_of(self)
        if written is None or self.date_id == before or not _lottery_model_ran():
            return
        records = import_module("lottery_plugins.harness.records")
        exits.run_before_the_end(lambda: records.export_beside(written))

    return save_and_export


def _checking_samples(save: Callable[..., None]) -> Callable[..., None]:
    def save_and_check(self: Any, task_name: str, samples: Any) -> None:
        save(self, task_name, samples)
        results_file = results_file_of(self)
        if results_file is None or not _lottery_model_ran():
            return
        written = results_file.with_name(f"samples_{task_name}_{self.date_id}.jsonl")
        records = import_module("lottery_plugins.harness.records")
        exits.run_before_the_end(lambda: records.check_samples(written, len(samples)))

    return save_and_check


def results_file_of(tracker: Any) -> Path | None:
    """The results file that an EvaluationTracker named last; None when it names none.

    It may be missing: lm-eval only logs that it could not write. That is for the records to tell.

    As lm-eval 0.4.13 builds it: `--output_path runs/x.json` gives `runs/x_<date>.json`, any other path gives
    `<path>/<model name, sanitised>/results_<date>.json`.
    """
    date = getattr(tracker, "date_id", None)
    if not tracker.output_path or date is None:
        return None
    path = Path(tracker.output_path)
    if path.suffix == ".json":
        return path.with_name(f"{path.stem}_{date}.json")
    return path / str(tracker.general_config_tracker.model_name_sanitized) / f"results_{date}.json"


_ADDITIONS: dict[str, Callable[[ModuleType], None]] = {
    "lm_eval.models": _add_model,
    "lm_eval.tasks.manager": _add_tasks,
    "lm_eval.evaluator": _add_early_reading,
    "lm_eval._cli.validate": _add_globs,
    "lm_eval._cli.harness": _add_clear_exit,
    "lm_eval.loggers.evaluation_tracker": _add_records,
}


def attach_now() -> None:
    """Add everything at once, for our own commands: they need it also where the automatic loading is switched off."""
    for name in _ADDITIONS:
        attach(import_module(name))
