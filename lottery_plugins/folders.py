"""Where this product keeps what can be made again."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder", "index_folder"]


def cache_folder() -> Path:
    """The cache: LOTTERY_CACHE, or `lottery_plugins` in the user's cache folder. It may not exist yet."""
    if chosen := os.environ.get("LOTTERY_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or "~/.cache"
    return Path(base).expanduser() / "lottery_plugins"


def index_folder() -> Path | None:
    """Where indexes of knowledge bases are kept: LOTTERY_INDEX_CACHE, or `indexes` in the cache; None for "off"."""
    chosen = os.environ.get("LOTTERY_INDEX_CACHE")
    if chosen == "off":
        return None
    return Path(chosen).expanduser() if chosen else cache_folder() / "indexes"
