"""Methods that act as the model is loaded: their arguments, and which methods are left for after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import CompressionMethod, LoadMethod

__all__ = ["methods_after_loading", "with_load_arguments"]


def with_load_arguments(methods: Sequence[CompressionMethod], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A model's arguments with those that methods load it by.

    Args:
        methods: All methods of a run.
        arguments: What the user gives.

    Raises:
        ConfigError: The user gives another value for one of them.
    """
    merged = dict(arguments)
    for method in methods:
        if isinstance(method, LoadMethod):
            for name, value in method.load_arguments().items():
                if merged.setdefault(name, value) != value:
                    allowed = f"{value!r}, which compression={method.name} loads the model with"
                    raise ConfigError(f"model_args: {name}", merged[name], allowed, f"Leave {name} out.")
    return merged


def methods_after_loading(methods: Sequence[CompressionMethod]) -> list[CompressionMethod]:
    """The methods that act on a model that is loaded."""
    return [method for method in methods if method.stage != "load"]
