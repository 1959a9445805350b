"""`lottery check-task NAME_OR_FOLDER`: the rules that our own tests run on a task, one line each."""

from __future__ import annotations

import argparse
import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lottery_plugins.errors import ConfigError, DataError, LotteryError, suggest

if TYPE_CHECKING:
    from rich.console import Console

    from lottery_plugins.testing.contracts.task import Outcome, TaskCase

__all__ = ["add_arguments", "run"]

_NAME_WIDTH = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("target", metavar="NAME_OR_FOLDER", help="a task's name, its .yaml file, or a folder of tasks")
    parser.add_argument("--include-path", type=Path, help="folder to look for NAME in, beside those of all plugins")
    parser.add_argument("--num-docs", type=int, default=24, help="documents scored and rendered (%(default)s)")
    parser.add_argument("--metadata", default="{}", help="knobs as JSON, as lm-eval's --metadata")


def run(args: argparse.Namespace) -> int:
    """Check each task; 1 when a rule is broken."""
    from rich.console import Console

    from lottery_plugins.testing.contracts.task import outcomes

    console = Console(highlight=False)
    is_sound = True
    with _quiet():
        for case in _cases(args):
            console.print(case.name, style="bold", markup=False)
            found = []
            for outcome in outcomes(case):
                found.append(outcome)
                _show(outcome, console)
            is_sound = _sum_up(case.name, found, console) and is_sound
    return 0 if is_sound else 1


def _cases(args: argparse.Namespace) -> list[TaskCase]:
    """The tasks to be checked.

    Raises:
        ConfigError: An argument is not allowed, or no such task is known.
        DataError: The folder holds no task.
    """
    from lottery_plugins.testing.contracts.task import TaskCase, tasks_in

    if args.num_docs < 1:
        raise ConfigError("--num-docs", args.num_docs, "a whole number of at least 1")
    metadata, target = _metadata(args.metadata), Path(args.target)
    if target.exists():
        folders = [target if target.is_dir() else target.parent]
        found = tasks_in(folders)
        names = [name for name, file in found.items() if target.is_dir() or file.resolve() == target.resolve()]
        if not names:
            hint = "A task is a .yaml file with the key 'task'. Make one with: lottery new-task NAME"
            raise DataError(str(target), "holds no task that lm-eval can read", hint)
    else:
        folders = _known_folders(args.include_path)
        names, found = [args.target], tasks_in(folders)
        if args.target not in found:
            hint = f"{suggest(args.target, found)}Or name its folder."
            raise ConfigError("NAME_OR_FOLDER", args.target, "the name of an installed task, or a path", hint)
    return [
        TaskCase(name=name, include_path=folders, metadata=metadata, num_docs=args.num_docs) for name in sorted(names)
    ]


def _known_folders(wanted: Path | None) -> list[Path]:
    from lottery_plugins.discovery import task_paths

    return [*task_paths(), *([] if wanted is None else [wanted])]


def _metadata(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError("--metadata", text, "JSON such as '{\"num_docs\": 50}'") from error
    if not isinstance(found, dict):
        raise ConfigError("--metadata", text, "JSON such as '{\"num_docs\": 50}'")
    return found


def _show(outcome: Outcome, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    rule = outcome.rule
    if outcome.error is not None:
        mark, style, said = "✗", "red", _in_words(outcome.error)
    elif outcome.note:
        mark, style, said = "?", "yellow", f"not checked: {outcome.note}"
    else:
        mark, style, said = "✓", "green", rule.claim
    line = Table.grid(padding=(0, 1))
    line.add_column(width=1)
    line.add_column(width=_NAME_WIDTH)
    line.add_row(mark, rule.name, Text(said), style=style)
    if outcome.error is not None:
        line.add_row("", "", Text(rule.advice))
    console.print(line)


def _in_words(error: Exception) -> str:
    """What went wrong, and for an error that no rule raised, in which line."""
    if isinstance(error, AssertionError | LotteryError) and str(error):
        return str(error)
    cause = error
    while isinstance(cause.__cause__, Exception):  # lm-eval wraps what a task's own module raises
        cause = cause.__cause__
    last = traceback.extract_tb(cause.__traceback__)[-1]
    told = f"{type(cause).__name__}: {cause} ({last.filename}, line {last.lineno})"
    return told if cause is error else f"{error}. {told}"


def _sum_up(name: str, found: list[Outcome], console: Console) -> bool:
    from rich.text import Text

    from lottery_plugins.testing.contracts.task_rules import RULES

    broken = sum(outcome.error is not None for outcome in found)
    skipped = sum(bool(outcome.note) for outcome in found)
    passed, left = len(found) - broken - skipped, len(RULES) - len(found)
    parts = [f"{passed} rules kept", f"{broken} broken", f"{skipped} not checked", f"{left} not reached"]
    told = ", ".join(part for part in parts if not part.startswith("0 ")) or "nothing"
    console.print(Text(f"{name}: {told}", "bold red" if broken else "bold green"))
    return not broken


@contextmanager
def _quiet() -> Iterator[None]:
    """lm-eval's warnings about knobs and overridden names, which are no findings, are not shown."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
