"""`files`: a virtual file system for each problem, a tool for each operation on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.tool import Tool, ToolDescription
from lottery_plugins.tools.arguments import read_arguments
from lottery_plugins.tools.file_system.operations import OPERATIONS, Operation
from lottery_plugins.tools.file_system.store import FileLimits, FilesError, VirtualFiles
from lottery_plugins.trajectory import ToolResult

__all__ = ["FileTool", "Files"]


@dataclass(frozen=True)
class Files:
    """Seven tools on the files of one problem: list, read, write, append, copy, move, delete.

    The files are in memory and gone when the problem ends; nothing touches the real disk, and no path leads there.
    Folders exist while files are in them. Copying and moving replace a file at the target, and say so.

    Raises:
        ConfigError: If an option is out of range.

    Source: system calls of the "LLM as OS", Tang et al. 2025, arXiv:2502.17535.
    """

    name: ClassVar[str] = "files"
    summary: ClassVar[str] = "Keep files in memory while one problem is solved: list, read, write, append, copy, move."
    source: ClassVar[str] = "Tang et al. 2025, The Lottery LLM Hypothesis, arXiv:2502.17535"
    scope: ClassVar[Literal["run", "problem"]] = "problem"

    max_files: int = option(100, "most files at a time", unit="files", allowed="1 or more")
    max_file_chars: int = option(100_000, "longest file", unit="characters", allowed="1 or more")
    max_total_chars: int = option(1_000_000, "all files together", unit="characters", allowed="1 or more")
    max_shown_chars: int = option(4000, "longest text that the model is shown", unit="characters", allowed="1 or more")

    def __post_init__(self) -> None:
        for field in ("max_files", "max_file_chars", "max_total_chars", "max_shown_chars"):
            if getattr(self, field) < 1:
                raise ConfigError(f"tools: files.{field}", getattr(self, field), "a whole number of 1 or more")

    def open(self) -> Sequence[Tool]:
        """The tools on a new, empty file system."""
        files = VirtualFiles(FileLimits(self.max_files, self.max_file_chars, self.max_total_chars))
        return cast("list[Tool]", [FileTool(operation, files, self) for operation in OPERATIONS])


@dataclass(frozen=True)
class FileTool:
    """One operation on one problem's files."""

    summary: ClassVar[str] = "One operation on the files of a problem."

    operation: Operation
    files: VirtualFiles
    options: Files

    @property
    def name(self) -> str:
        """As the model calls it."""
        return self.operation.description.name

    @property
    def description(self) -> ToolDescription:
        """What the model is told."""
        return self.operation.description

    def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Do it.

        Raises:
            ToolError: It can't be done: no such file, a limit, a path that leads outside.
        """
        names = ", ".join(parameter.name for parameter in self.description.parameters)
        given = read_arguments(
            self.description, arguments, max_chars=self.options.max_file_chars, hint=f"Send {names}."
        )
        try:
            return ToolResult(self.operation.act(self.files, given, self.options.max_shown_chars))
        except FilesError as error:
            raise ToolError(self.name, error.problem, category=error.category) from None
