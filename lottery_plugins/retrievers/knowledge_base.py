"""Reading a user's knowledge base: one JSON object per line, `.jsonl` or `.jsonl.gz`."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lottery_plugins.documents import Document
from lottery_plugins.errors import DataError

__all__ = ["load_knowledge_base", "read_documents"]

FORMAT = 'Each line is a JSON object like {"id": "d1", "title": "...", "text": "..."}; id and title may be left out.'


def load_knowledge_base(path: Path) -> tuple[Document, ...]:
    """All documents of a file in memory, in its order.

    Raises:
        DataError: As `read_documents`, or two documents share an id.
    """
    seen: dict[str, int] = {}
    documents = []
    for number, document in read_documents(path):
        if document.id in seen:
            raise DataError(
                f"{path}:{number}", f"repeats the id {document.id!r} of line {seen[document.id]}", "Make ids unique."
            )
        seen[document.id] = number
        documents.append(document)
    return tuple(documents)


def read_documents(path: Path) -> Iterator[tuple[int, Document]]:
    """The documents of a file with their line numbers, one at a time.

    A document without an id gets the number of its line, "line-12". Empty lines are skipped and other fields ignored.

    Raises:
        DataError: The file can't be read, is empty, or a line is not a document; with file and line.
    """
    is_empty = True
    for number, line in _lines(path):
        if line.strip():
            is_empty = False
            yield number, _document(line, number, f"{path}:{number}")
    if is_empty:
        raise DataError(str(path), "is an empty knowledge base", FORMAT)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, counted from 1."""
    if not path.name.endswith((".jsonl", ".jsonl.gz")):
        raise DataError(str(path), "is not named as a knowledge base", "Allowed are .jsonl and .jsonl.gz.")
    number = 0
    try:
        with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
    except FileNotFoundError:
        raise DataError(str(path), "does not exist", "Name a .jsonl or .jsonl.gz file.") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}:{number}", "is not UTF-8 text", "Save the file as UTF-8.") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(str(path), f"is not a whole gzip file ({error})", "Copy or compress it again.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(str(path), f"can't be read ({reason})", "Name a readable file.") from None


def _document(line: str, number: int, where: str) -> Document:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(where, f"is not valid JSON ({getattr(error, 'msg', 'nested too deeply')})", FORMAT) from None
    if not isinstance(fields, dict):
        raise DataError(where, f"is a JSON {_json_type(fields)}, not an object", FORMAT)
    if "text" not in fields:
        present = ", ".join(map(repr, list(fields)[:8])) or "none"
        raise DataError(where, f"has no field 'text' (its fields: {present})", FORMAT)
    identifier: Any = fields.get("id")
    if isinstance(identifier, int) and not isinstance(identifier, bool):
        identifier = str(identifier)
    title = fields.get("title")
    for name, value in (("text", fields["text"]), ("id", identifier), ("title", title)):
        if not isinstance(value, str) and (name == "text" or value is not None):
            raise DataError(where, f"has a field {name!r} that is a JSON {_json_type(value)}, not a string", FORMAT)
    if not fields["text"].strip():
        raise DataError(where, "has an empty field 'text'", FORMAT)
    return Document(id=identifier or f"line-{number}", text=fields["text"], title=title or "")


def _json_type(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    return names.get(type(value), "null")
