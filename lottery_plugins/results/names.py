"""Short names of runs for tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lottery_plugins.errors import ConfigError

__all__ = ["short_names"]


def short_names(paths: Sequence[Path], command: str) -> list[str]:
    """The shortest ends of the paths that tell them apart.

    Raises:
        ConfigError: Two of them are the same; `command` stands in the message.
    """
    parts = [path.resolve().parts for path in paths]
    if len(set(parts)) < len(parts):
        twice = next(path for path, own in zip(paths, parts, strict=True) if parts.count(own) > 1)
        raise ConfigError(command, str(twice), "different runs, each named once")
    length = 1
    while len({own[-length:] for own in parts}) < len(parts):
        length += 1
    return [str(Path(*own[-length:])) for own in parts]
