"""Checkpoints that `lottery compress` made, as the model of a run: made readable, and said in the ledger."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lottery_plugins.compression.checkpoint import read_record
from lottery_plugins.registry import Registry
from lottery_plugins.specs import PluginSpec, is_plugin_name

__all__ = ["make_readable"]


def make_readable(arguments: Mapping[str, Any], registry: Registry) -> dict[str, Any] | None:
    """Teach transformers to read what the base model's arguments name, and give the record of how it was made.

    Called before the base model is loaded, and after its lm-eval class was found.

    Args:
        arguments: Of the base model.
        registry: Knows the methods whose layers the checkpoint may have. Its record picks among them, and nothing else.

    Returns:
        The record; None where the model is no checkpoint of ours in a folder.

    Raises:
        DataError: There is a record that can't be read.
        LotteryError: A method that the checkpoint names is broken or there twice.
    """
    if "transformers.quantizers" in sys.modules:  # else the base model is none of transformers
        from lottery_plugins.compression.checkpoint_format import register

        register()
    pretrained = arguments.get("pretrained")
    record = read_record(Path(pretrained).expanduser()) if isinstance(pretrained, str) else None
    known = {plugin.name for plugin in registry.plugins("compression")}
    for method in record.get("methods", []) if record else []:
        name = str(method.get("name", "")) if isinstance(method, Mapping) else ""
        if is_plugin_name(name) and name in known:
            declare = getattr(registry.find("compression", PluginSpec(name)).cls, "layers", None)
            if declare is not None:
                declare()  # imports its module, where the classes are
    return record
