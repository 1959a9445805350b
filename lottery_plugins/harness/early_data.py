"""The data that a user must name is read before the model is loaded: a missing file must not cost minutes first.

lm-eval loads the model, then the tasks. The tasks of the paper's tables read a folder of the user's or the hub, so they
are loaded once before, and what is wrong with their rows ends the run there.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

__all__ = ["read_data_first"]

_PREFIXES = ("lottery-paper", "lottery-table")  # tasks, and tags of them


def read_data_first(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    """lm-eval's `simple_evaluate`, with the paper's tasks loaded once before it begins, and `samples` noted."""
    signature = inspect.signature(evaluate)

    def simple_evaluate(*args: Any, **kwargs: Any) -> Any:
        from lottery_plugins.harness import records  # opens the store's module, which only a run needs

        asked = signature.bind(*args, **kwargs).arguments
        tasks = asked.get("tasks") or ()
        names = [task for task in tasks if isinstance(task, str) and task.startswith(_PREFIXES)]
        records.note_samples(asked.get("samples"))
        if names:
            _load(names, asked.get("task_manager"), asked.get("metadata") or {})
        return evaluate(*args, **kwargs)

    return simple_evaluate


def _load(names: Sequence[str], manager: Any, metadata: Mapping[str, Any]) -> None:
    """Load tasks and forget them.

    Raises:
        DataError: The rows of one can't be found or read.
    """
    if manager is None:
        from lm_eval.tasks import TaskManager

        from lottery_plugins.discovery import task_paths

        folders = [str(path) for path in task_paths()]  # lm-eval's own tasks would take seconds to list
        manager = TaskManager(include_path=folders, include_defaults=False, metadata=dict(metadata))
    with _quiet(logging.getLogger("lm_eval")):
        manager.load([name for name in names if name in manager.all_tasks])


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Notes on loading come again when lm-eval itself loads the tasks."""
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
