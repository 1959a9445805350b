"""`langchain-tools`: LangChain tools that the user names by their import path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from lottery_langchain.entries import ENTRY_HELP, check_entry, load_entry
from lottery_langchain.tool import UNEXPECTED, LangChainTool, tools_of
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.plugin import option

__all__ = ["NamedTools"]


@dataclass(frozen=True)
class NamedTools:
    """The LangChain tools at an import path: one, a list, a toolkit, or what a function without arguments makes.

    The module is imported when the run is assembled, and again in each worker process that calls one of its tools.

    Raises:
        ConfigError: If the path is none, or an option is out of range.
    """

    name: ClassVar[str] = "langchain-tools"
    summary: ClassVar[str] = "Offer LangChain tools, a list of them, or a toolkit, named by their import path."
    requires: ClassVar[tuple[tuple[str, str], ...]] = (("langchain_core", "pip install langchain-core"),)
    scope: ClassVar[Literal["run", "problem"]] = "run"

    entry: str = option(help="import path of the tools", allowed=ENTRY_HELP)
    max_chars: int = option(4000, "longest text of a tool; more is cut", unit="characters", allowed="1 to 1000000")
    unexpected: str = option(
        "fail",
        "what an exception that is no ToolException does: fail the problem, or tell the model",
        allowed="fail, tell",
    )

    def __post_init__(self) -> None:
        where = f"tools: {self.name}"
        check_entry(self.entry, f"{where}.entry")
        if not 1 <= self.max_chars <= 1_000_000:
            raise ConfigError(f"{where}.max_chars", self.max_chars, "a whole number from 1 to 1000000")
        if self.unexpected not in UNEXPECTED:
            raise ConfigError(f"{where}.unexpected", self.unexpected, f"one of {', '.join(UNEXPECTED)}")

    def open(self) -> Sequence[LangChainTool]:
        """The tools.

        Raises:
            ConfigError: The module can't be imported, holds no tools there, or two share a name.
        """
        where = f"tools: {self.name}.entry"
        tools = tools_of(load_entry(self.entry, where), self.entry)
        names = [tool.name for tool in tools]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ConfigError(where, self.entry, "tools with different names", f"Twice there: {', '.join(repeated)}.")
        return [LangChainTool(tool, self.max_chars, self.unexpected, self.entry) for tool in tools]
