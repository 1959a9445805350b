"""Checkpoints that `lottery compress` made: transformers taught to read them, their record said in the ledger."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from lottery_plugins.compression.checkpoint import read_record
from lottery_plugins.discovery import discover

__all__ = ["attach", "make_readable"]

_FORMAT = "lottery_plugins.compression.checkpoint_format"


def attach(module: object = None) -> None:
    """Teach transformers the format. Called by `_lottery_autoload` when transformers has loaded its quantizers.

    Args:
        module: That of transformers.
    """
    from lottery_plugins.compression.linear import import_layers_by

    import_layers_by(_import_layers)
    if _FORMAT not in sys.modules:  # else it is being imported, has made transformers load, and registers at its end
        import_module(_FORMAT)


def make_readable(arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """Teach transformers to read what the base model's arguments may name, and give the record of how it was made.

    Called before the base model is loaded, and after its lm-eval class was found.

    Args:
        arguments: Of the base model.

    Returns:
        The record; None where the model is no checkpoint of ours in a folder.

    Raises:
        DataError: There is a record that can't be read.
    """
    if "transformers.quantizers" in sys.modules:  # else the base model is none of transformers
        attach()
    pretrained = arguments.get("pretrained")
    return read_record(Path(pretrained).expanduser()) if isinstance(pretrained, str) else None


def _import_layers() -> None:
    """Import the layers of all installed methods. What a checkpoint says has no part in what is imported."""
    for plugin in discover().plugins("compression"):
        declare = getattr(plugin.cls, "layers", None)
        if declare is not None:
            with suppress(ImportError):  # a library of another method, which this checkpoint may do without
                declare()
