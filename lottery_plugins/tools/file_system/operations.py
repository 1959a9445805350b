"""What can be done with files: one entry an operation, with what the model is told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.tools.file_system.store import FilesError, VirtualFiles

__all__ = ["OPERATIONS", "Operation"]

Act = Callable[[VirtualFiles, Mapping[str, Any], int], str]
"""From the files, the checked arguments, and the most characters to show, to the observation."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: how it is described and what it does."""

    description: ToolDescription
    act: Act


def _list(files: VirtualFiles, given: Mapping[str, Any], max_shown: int) -> str:
    entries = [f"{path} ({size} characters)" for path, size in files.listed(given.get("folder", ""))]
    shown: list[str] = []
    for entry in entries:
        if sum(map(len, shown)) + len(entry) > max_shown:
            shown.append(f"... and {len(entries) - len(shown)} more")
            break
        shown.append(entry)
    return "\n".join(shown) or "There are no files."


def _read(files: VirtualFiles, given: Mapping[str, Any], max_shown: int) -> str:
    text = files.read(given["path"])
    if "first_line" in given or "num_lines" in given:
        first, count = given.get("first_line", 1), given.get("num_lines")
        if first < 1 or (count is not None and count < 1):
            raise FilesError("first_line and num_lines are 1 or more", "arguments")
        lines = text.split("\n")
        if first > len(lines):
            raise FilesError(f"the file has {len(lines)} lines")
        text = "\n".join(lines[first - 1 : None if count is None else first - 1 + count])
    if len(text) > max_shown:
        size = f"{len(text)} characters in {text.count(chr(10)) + 1} lines"
        raise FilesError(
            f"that is too long to be shown, {size}; at most {max_shown} are; send first_line and num_lines"
        )
    return text or "(empty)"


def _write(files: VirtualFiles, given: Mapping[str, Any], max_shown: int) -> str:
    path, was_there = files.write(given["path"], given["content"])
    return f"{'Replaced' if was_there else 'Wrote'} {path} ({len(given['content'])} characters)."


def _append(files: VirtualFiles, given: Mapping[str, Any], max_shown: int) -> str:
    path, was_there = files.write(given["path"], given["content"], append=True)
    return f"{'Appended to' if was_there else 'Wrote'} {path} ({len(given['content'])} characters)."


def _copy(files: VirtualFiles, given: Mapping[str, Any], max_shown: int) -> str:
    source, target, is_replaced = files.copy(given["source"], given["target"])
    return f"Copied {source} to {target}{', which was replaced' if is_replaced else ''}."


def _move(files: VirtualFiles, given: Mapping[str, Any], max_shown: int) -> str:
    source, target, is_replaced = files.copy(given["source"], given["target"], move=True)
    return f"Moved {source} to {target}{', which was replaced' if is_replaced else ''}."


def _delete(files: VirtualFiles, given: Mapping[str, Any], max_shown: int) -> str:
    return f"Deleted {files.delete(given['path'])}."


_PATH = Parameter("path", "string", "the file's path, e.g. notes/plan.txt")
_CONTENT = Parameter("content", "string", "the text")
_PAIR = (Parameter("source", "string", "path of the file"), Parameter("target", "string", "path that it gets"))
_LINES = (
    Parameter("first_line", "integer", "the first line to read, from 1", required=False),
    Parameter("num_lines", "integer", "how many lines", required=False),
)

OPERATIONS = (
    Operation(
        ToolDescription(
            "list_files",
            "Lists all files with their sizes.",
            (Parameter("folder", "string", "only files below this folder", required=False),),
        ),
        _list,
    ),
    Operation(ToolDescription("read_file", "Reads a file, or some of its lines.", (_PATH, *_LINES)), _read),
    Operation(ToolDescription("write_file", "Writes a file, replacing what it had.", (_PATH, _CONTENT)), _write),
    Operation(ToolDescription("append_file", "Adds text at the end of a file.", (_PATH, _CONTENT)), _append),
    Operation(ToolDescription("copy_file", "Copies a file.", _PAIR), _copy),
    Operation(ToolDescription("move_file", "Moves or renames a file.", _PAIR), _move),
    Operation(ToolDescription("delete_file", "Deletes a file.", (_PATH,)), _delete),
)
