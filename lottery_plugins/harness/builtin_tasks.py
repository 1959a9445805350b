"""Where our own lm-eval task files lie."""

from __future__ import annotations

from pathlib import Path

from lottery_plugins.errors import DataError

__all__ = ["builtin_task_folder"]


def builtin_task_folder() -> Path:
    """The folder of the built-in task YAML files: inside the package in a wheel, beside it in a working tree.

    Raises:
        DataError: Neither is there, so the installation is damaged.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "task_yaml", package.parent / "task_yaml"):
        if folder.is_dir():
            return folder
    raise DataError(
        str(package), "has no folder 'task_yaml'", "Reinstall: pip install --force-reinstall lottery-plugins"
    )
