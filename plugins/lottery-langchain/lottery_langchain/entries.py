"""Finding an object by the import path that the user wrote in the run's configuration.

A path is trusted as the configuration is: importing it runs its module. Nothing that a model or a document says ever
reaches this file.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

from lottery_plugins.errors import ConfigError

__all__ = ["ENTRY_HELP", "check_entry", "load_entry", "made_by"]

ENTRY_HELP = "package.module.attribute"
"""How an entry is written; the last full stop may be a colon, which a spec string needs percent-encoded (%3A)."""

_NAMES = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_ENTRY = re.compile(rf"(?P<module>{_NAMES})(?::(?P<path>{_NAMES})|\.(?P<attribute>[A-Za-z_]\w*))", re.ASCII)
_HINT = "The module must be installed or on PYTHONPATH."


def check_entry(entry: str, where: str) -> tuple[str, str]:
    """The module and the path inside it, without importing anything.

    Raises:
        ConfigError: The text is no import path.
    """
    match = re.compile(_ENTRY.pattern + r"\Z", re.ASCII).match(entry)
    if match is None:
        raise ConfigError(where, entry, f"an import path: {ENTRY_HELP} or package.module:attribute", _HINT)
    return match["module"], match["path"] or match["attribute"]


def load_entry(entry: str, where: str) -> Any:
    """The object at an import path.

    Args:
        entry: `package.module.attribute` or `package.module:attribute.of.it`.
        where: The setting, for error messages.

    Raises:
        ConfigError: It is no import path, the module can't be imported, or it has no such attribute.
    """
    module_name, path = check_entry(entry, where)
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:
        reason = f"Importing {module_name} raised {type(error).__name__}: {error}. {_HINT}"
        raise ConfigError(where, entry, "the path of something that can be imported", reason) from error
    for name in path.split("."):
        if not hasattr(found, name):
            known = ", ".join(sorted(word for word in vars(found) if not word.startswith("_"))[:12]) or "nothing"
            raise ConfigError(where, entry, f"an attribute that {module_name} has", f"It has: {known}.")
        found = getattr(found, name)
    return found


def made_by(factory: Any, where: str, entry: str) -> Any:
    """What a function or class without arguments makes.

    Raises:
        ConfigError: It fails, or needs arguments.
    """
    try:
        return factory()
    except Exception as error:
        allowed = "a function or class that can be called without arguments"
        raise ConfigError(where, entry, allowed, f"It raised {type(error).__name__}: {error}.") from error
