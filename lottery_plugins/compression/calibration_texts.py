"""Where calibration text comes from: the package, a text file, a JSON-lines file, or a data set."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from lottery_plugins.errors import DataError

__all__ = ["BUNDLED", "read_documents", "stamp_of"]

BUNDLED = "bundled"
"""The word for the text that comes with the package."""

_BUNDLED_FILE = "calibration.txt"
_LINES = re.compile(r"(?P<path>.+\.jsonl(?:\.gz)?)(?:[:@](?P<column>[^:@]+))?")
_HUB = re.compile(r"hub[:@](?P<name>[^:@]+)(?:[:@](?P<config>[^:@]+))?[:@](?P<split>[^:@]+)[:@](?P<column>[^:@]+)")


def read_documents(text: str) -> tuple[Sequence[str], str]:
    """The documents that a `calibration` option names, and the name that the ledger shows.

    Raises:
        DataError: If they can't be read.
    """
    if text == BUNDLED:
        file = resources.files("lottery_plugins.compression").joinpath(_BUNDLED_FILE)
        return [file.read_text(encoding="utf-8")], f"{BUNDLED}:{_BUNDLED_FILE}"
    if hub := _HUB.fullmatch(text):
        return _DataSet(text, **hub.groupdict()), text
    if lines := _LINES.fullmatch(text):
        return _read_lines(Path(lines["path"]), lines["column"] or "text"), text
    if re.match("hub[:@]", text):
        raise DataError(f"calibration text {text}", "names no column", "Write hub@NAME@SPLIT@COLUMN.")
    return [_decoded(Path(text), _read_bytes(Path(text)))], text


def stamp_of(text: str) -> str:
    """A hash of the file that a `calibration` option names; "" where it names none that is there."""
    lines = _LINES.fullmatch(text)
    path = Path(lines["path"] if lines else text)
    if text == BUNDLED or _HUB.fullmatch(text) or not path.is_file():
        return ""
    return hashlib.sha256(_read_bytes(path)).hexdigest()


class _DataSet(Sequence[str]):
    """A column of a data set; rows are read when they are asked for."""

    def __init__(self, text: str, name: str, config: str | None, split: str, column: str) -> None:
        import datasets

        where = f"calibration text {text}"
        try:
            self._rows: Any = datasets.load_dataset(name, config, split=split)
        except Exception as error:
            hint = "Write hub@NAME[@CONFIG]@SPLIT@COLUMN; NAME may be a folder. See whether the hub can be reached."
            raise DataError(where, f"can't be loaded: {type(error).__name__}: {error}", hint) from error
        if column not in self._rows.column_names:
            raise DataError(where, f"has no column {column!r}", f"Its columns: {', '.join(self._rows.column_names)}.")
        self._column, self._where = column, where

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        return _checked(self._rows[int(index)][self._column], self._where, f"row {index}")


def _read_lines(path: Path, column: str) -> list[str]:
    where = f"calibration text {path}"
    documents = []
    for number, line in enumerate(_decoded(path, _read_bytes(path)).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(where, f"line {number} is no JSON: {error}", "Write one JSON object a line.") from error
        if not isinstance(row, dict) or column not in row:
            hint = f"Name one of its columns with {path.name}@COLUMN."
            raise DataError(where, f"line {number} has no column {column!r}", hint)
        documents.append(_checked(row[column], where, f"line {number}"))
    return documents


def _checked(value: object, where: str, which: str) -> str:
    if not isinstance(value, str):
        raise DataError(where, f"{which} holds no text but {type(value).__name__}", "Name a column of texts.")
    return value


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = "Write 'bundled', a file's path, FILE.jsonl@COLUMN, or hub@NAME@SPLIT@COLUMN."
        raise DataError(f"calibration text {path}", f"can't be read: {reason}", hint) from error


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"calibration text {path}", "is not UTF-8 text", "Convert it to UTF-8.") from error
