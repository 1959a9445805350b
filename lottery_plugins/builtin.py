"""The built-in plugins, registered through the same hooks as anybody else's."""

from __future__ import annotations

from pathlib import Path

from lottery_plugins.compression import METHODS
from lottery_plugins.errors import DataError
from lottery_plugins.hookspecs import hookimpl
from lottery_plugins.memory import MEMORY_BACKENDS
from lottery_plugins.reasoners import REASONERS
from lottery_plugins.retrievers import RETRIEVERS
from lottery_plugins.tools import TOOLS

__all__ = [
    "lottery_compression_methods",
    "lottery_memory_backends",
    "lottery_reasoners",
    "lottery_retrievers",
    "lottery_task_paths",
    "lottery_tools",
]


@hookimpl
def lottery_compression_methods() -> list[type]:
    """Quantization, pruning and KV-cache methods."""
    return list(METHODS)


@hookimpl
def lottery_tools() -> list[type]:
    """Calculator, dates, files, sandboxed Python, algebra, units."""
    return list(TOOLS)


@hookimpl
def lottery_retrievers() -> list[type]:
    """Search over a knowledge base, and over the prompt itself."""
    return list(RETRIEVERS)


@hookimpl
def lottery_memory_backends() -> list[type]:
    """The scratchpad."""
    return list(MEMORY_BACKENDS)


@hookimpl
def lottery_reasoners() -> list[type]:
    """The reasoning methods."""
    return list(REASONERS)


@hookimpl
def lottery_task_paths() -> list[Path]:
    """The task folder: inside the package in a wheel, beside it in a working tree."""
    package = Path(__file__).resolve().parent
    for folder in (package / "task_yaml", package.parent / "task_yaml"):
        if folder.is_dir():
            return [folder]
    raise DataError(str(package), "has no folder 'task_yaml'", "Reinstall lottery-plugins.")
