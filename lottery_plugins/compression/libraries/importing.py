"""Other people's libraries, imported when they are used."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from lottery_plugins.errors import MissingExtraError

__all__ = ["library"]


@functools.cache
def library(name: str) -> Any:
    """A library's module of that name.

    Methods name in `requires` what they need; a checkpoint may hold their layers where it is not installed.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        install = "pip install 'lottery-plugins[compression]'"
        raise MissingExtraError("A compressed layer", package, install) from error
