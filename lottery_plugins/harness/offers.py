"""What each task offers a reasoner: the `metadata.lottery` mapping of its YAML file.

lm-eval hands a model its requests with the task's name, never with the task. So the mapping is kept here while tasks
are loaded, by name, in one dict of the process: the only module-level state of the package, and only at this border.
A task name means one task in a process of lm-eval; loading it again replaces what was kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from lottery_plugins.errors import DataError

__all__ = ["offer_of", "remember"]

_OFFERS: dict[str, Mapping[str, Any]] = {}
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def remember(task_name: str, mapping: Mapping[str, Any] | None) -> None:
    """Keep what a task offers; None or an empty mapping forgets an earlier task of that name.

    Raises:
        DataError: The YAML's `metadata.lottery` is not a mapping.
    """
    if not mapping and (mapping is None or isinstance(mapping, Mapping)):
        _OFFERS.pop(task_name, None)
    elif isinstance(mapping, Mapping):
        _OFFERS[task_name] = MappingProxyType(dict(mapping))
    else:
        raise DataError(
            f"task {task_name}",
            f"has metadata.lottery: {mapping!r}, which is not a mapping",
            "Write keys under it, e.g. 'lottery: {question: question}'.",
        )


def offer_of(task_name: str) -> Mapping[str, Any]:
    """What a loaded task offers; read-only, and empty for a task that says nothing."""
    return _OFFERS.get(task_name, _NOTHING)
