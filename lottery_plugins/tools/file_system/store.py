"""Files in memory, by path."""

from __future__ import annotations

import threading
import unicodedata
from dataclasses import dataclass

__all__ = ["FileLimits", "FilesError", "VirtualFiles", "normalised"]

MAX_PATH_CHARS = 255
MAX_DEPTH = 16


class FilesError(Exception):
    """An operation that can't be done.

    Attributes:
        problem: What is wrong, as a phrase for the model.
        category: As in `ToolError`.
    """

    def __init__(self, problem: str, category: str = "domain") -> None:
        super().__init__(problem)
        self.problem, self.category = problem, category


@dataclass(frozen=True, slots=True)
class FileLimits:
    """How much there may be.

    Attributes:
        max_files: Files at a time.
        max_file_chars: Characters of one file.
        max_chars: Characters of all files together.
    """

    max_files: int
    max_file_chars: int
    max_chars: int


def normalised(path: str) -> str:
    """A path from the root without a leading slash; "" is the root.

    `/a/b`, `a//b`, `./a/b` and `a/x/../b` are one path, and so it is with backslashes.

    Raises:
        FilesError: It leads outside, is too long or deep, or has a character that can't be shown.
    """
    if len(path) > MAX_PATH_CHARS:
        raise FilesError(f"the path is longer than {MAX_PATH_CHARS} characters", "limit")
    parts: list[str] = []
    for part in path.strip().replace("\\", "/").split("/"):
        part = part.strip()
        if any(unicodedata.category(character).startswith("C") for character in part):
            raise FilesError(f"the path {path!r} has a character that can't be shown", "arguments")
        if part == "..":
            if not parts:
                raise FilesError(f"the path {path!r} leads outside of the files of this problem", "denied")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    if len(parts) > MAX_DEPTH:
        raise FilesError(f"the path has more than {MAX_DEPTH} folders", "limit")
    return "/".join(parts)


class VirtualFiles:
    """Files by path, folders as the beginnings of their paths. Safe to use from several threads."""

    def __init__(self, limits: FileLimits) -> None:
        self._limits = limits
        self._files: dict[str, str] = {}
        self._lock = threading.Lock()

    def listed(self, folder: str) -> list[tuple[str, int]]:
        """(path, number of characters) of all files below a folder, sorted by path.

        Raises:
            FilesError: There is no such folder.
        """
        with self._lock:
            folder = normalised(folder)
            if folder in self._files:
                return [(folder, len(self._files[folder]))]
            below = [(path, len(text)) for path, text in self._files.items() if not folder or _is_in(path, folder)]
            if folder and not below:
                raise FilesError(f"there is no folder {folder!r}")
            return sorted(below)

    def read(self, path: str) -> str:
        """The content of a file.

        Raises:
            FilesError: There is no such file.
        """
        with self._lock:
            return self._files[self._existing(path)]

    def write(self, path: str, content: str, *, append: bool = False) -> tuple[str, bool]:
        """Make a file of this content, or put it behind what the file has.

        Returns:
            The path, and whether the file was there before.

        Raises:
            FilesError: A limit is reached, or a folder is in the way.
        """
        with self._lock:
            place = self._place(path)
            before = self._files.get(place)
            self._put(place, (before or "") + content if append else content)
            return place, before is not None

    def copy(self, source: str, target: str, *, move: bool = False) -> tuple[str, str, bool]:
        """Copy a file, or move it; a file at the target is replaced.

        Returns:
            Both paths, and whether a file was replaced.

        Raises:
            FilesError: The source is missing, is the target, or what `write` raises.
        """
        with self._lock:
            start, place = self._existing(source), self._place(target)
            if start == place:
                raise FilesError(f"{start!r} is both source and target")
            is_replaced = place in self._files
            content = self._files.pop(start) if move else self._files[start]
            try:
                self._put(place, content)
            except FilesError:
                self._files[start] = content
                raise
            return start, place, is_replaced

    def delete(self, path: str) -> str:
        """Remove a file.

        Returns:
            Its path.

        Raises:
            FilesError: There is no such file.
        """
        with self._lock:
            place = self._existing(path)
            del self._files[place]
            return place

    def _existing(self, path: str) -> str:
        place = normalised(path)
        if place in self._files:
            return place
        if not place or self._is_folder(place):
            raise FilesError(f"{place or '/'!r} is a folder, not a file")
        known = ", ".join(sorted(self._files)[:20]) or "none"
        raise FilesError(f"there is no file {place!r}; files: {known}")

    def _place(self, path: str) -> str:
        """A path where a file may be."""
        place = normalised(path)
        if not place or path.strip().endswith(("/", "\\")) or self._is_folder(place):
            raise FilesError(f"{place or '/'!r} is a folder, not a file")
        for file in self._files:
            if _is_in(place, file):
                raise FilesError(f"{file!r} is a file, so nothing can be below it")
        return place

    def _is_folder(self, place: str) -> bool:
        return any(_is_in(path, place) for path in self._files)

    def _put(self, place: str, content: str) -> None:
        limits = self._limits
        if len(content) > limits.max_file_chars:
            raise FilesError(f"a file has at most {limits.max_file_chars} characters", "limit")
        others = sum(len(text) for path, text in self._files.items() if path != place)
        if others + len(content) > limits.max_chars:
            raise FilesError(f"all files together have at most {limits.max_chars} characters", "limit")
        if place not in self._files and len(self._files) >= limits.max_files:
            raise FilesError(f"there are {limits.max_files} files, and no more are allowed", "limit")
        self._files[place] = content


def _is_in(path: str, folder: str) -> bool:
    return path.startswith(f"{folder}/")
