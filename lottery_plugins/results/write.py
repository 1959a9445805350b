"""Write a text that the user asked for."""

from __future__ import annotations

from pathlib import Path

from lottery_plugins.errors import DataError

__all__ = ["write_text"]


def write_text(path: Path, text: str) -> None:
    """Write a file, and the folders above it.

    Raises:
        DataError: It can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(str(path), f"can't be written ({error.strerror})", "Name another file.") from error
