"""One LangChain tool as a tool of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lottery_langchain.entries import load_entry, made_by
from lottery_langchain.parameters import fits, hidden_requirements, parameters_of
from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.protocols.tool import ToolDescription
from lottery_plugins.tools.arguments import shortened
from lottery_plugins.trajectory import ToolResult

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

__all__ = ["UNEXPECTED", "LangChainTool", "tools_of"]

UNEXPECTED = ("fail", "tell")
"""What an exception that is neither ToolException nor a refusal of arguments does."""

_CALL_ID = "lottery"


@dataclass(frozen=True)
class LangChainTool:
    """A LangChain tool as a tool of ours.

    A `ToolException`, and arguments that its schema refuses, are told to the model. Arguments that its schema does not
    show are refused before LangChain sees them, so that a model can't write an injected one. Deadlines are ours: the
    run takes the tool to a worker process, by pickle or, with an `entry`, by importing it there.

    Args:
        tool: The tool. One with only an asynchronous implementation runs in an event loop of its own for each call.
        max_chars: Longest text for the model; a longer one is cut, and says so.
        unexpected: Any other exception: "fail" fails the problem, "tell" tells the model.
        entry: Import path at which another process finds the tool, or the tools that it is one of.

    Raises:
        ConfigError: It is no LangChain tool, or needs arguments that only a LangGraph graph gives.
    """

    tool: BaseTool
    max_chars: int = 4000
    unexpected: str = "fail"
    entry: str = ""

    def __post_init__(self) -> None:
        from langchain_core.tools import BaseTool

        if not isinstance(self.tool, BaseTool):
            raise ConfigError("LangChainTool", self.tool, "a langchain_core.tools.BaseTool", "Make one with @tool.")
        if hidden := hidden_requirements(self.tool):
            raise ConfigError(
                f"tool {self.tool.name}",
                f"the injected arguments {', '.join(hidden)}",
                "a tool without arguments that only a LangGraph graph gives",
                "Give them in Python and offer the rest as a tool.",
            )

    @property
    def name(self) -> str:
        """As the model calls it."""
        return self.tool.name

    @property
    def summary(self) -> str:
        """The first line of its description."""
        return (self.tool.description.strip() or self.tool.name).splitlines()[0]

    @cached_property
    def description(self) -> ToolDescription:
        """What the model is told."""
        text = self.tool.description.strip() or self.tool.name
        return ToolDescription(self.tool.name, text, parameters_of(self.tool))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as an import path where there is one: many tools hold clients and closures that no pickle takes."""
        options = (self.max_chars, self.unexpected, self.entry)
        return (_from_entry, (self.tool.name, *options)) if self.entry else (type(self), (self.tool, *options))

    def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """What the tool says.

        Raises:
            ToolError: It refuses the arguments, or says that it can't do this.
        """
        from langchain_core.tools import ToolException
        from pydantic import ValidationError
        from pydantic.v1 import ValidationError as ValidationErrorV1

        call = {"name": self.name, "args": self._checked(arguments), "id": _CALL_ID, "type": "tool_call"}
        try:
            text = self._text_of(self._invoke(call))
        except ToolException as error:
            raise ToolError(self.name, self._told(error), category="domain") from None
        except (ValidationError, ValidationErrorV1) as error:
            raise ToolError(self.name, _refusal(error), self._hint()) from None
        except ToolError:
            raise
        except Exception as error:
            if self.unexpected == "fail":
                raise
            told = f"it failed with {type(error).__name__}: {self._told(error)}"
            raise ToolError(self.name, told, category="crashed") from None
        return ToolResult(text)

    def _checked(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        shown = {parameter.name: parameter for parameter in self.description.parameters}
        for name in arguments:
            if name not in shown:
                raise ToolError(self.name, f"no argument is called {shortened(str(name))!r}", self._hint())
        for parameter in shown.values():
            if parameter.required and parameter.name not in arguments:
                raise ToolError(self.name, f"the argument {parameter.name!r} is missing", self._hint())
        if not isinstance(self.tool.args_schema, type):  # a model of pydantic does this and more
            for name, value in arguments.items():
                if not fits(value, shown[name]):
                    told = f"the argument {name!r} must be {shown[name].type}, not {type(value).__name__}"
                    raise ToolError(self.name, told, self._hint())
        return dict(arguments)

    def _invoke(self, call: dict[str, Any]) -> Any:
        """Run it; one without a synchronous implementation in a loop of its own, since none runs in this thread."""
        try:
            return self.tool.invoke(call)
        except NotImplementedError:
            if not _is_asynchronous(self.tool):
                raise
        return asyncio.run(self.tool.ainvoke(call))

    def _text_of(self, output: Any) -> str:
        from langchain_core.messages import ToolMessage

        if not isinstance(output, ToolMessage):
            raise TypeError(f"{self.name} returned {type(output).__name__}, which only a LangGraph graph can use")
        text = str(output.text).encode("utf-8", "replace").decode()
        others = [] if isinstance(output.content, str) else [b for b in output.content if isinstance(b, dict)]
        kinds = [str(block.get("type")) for block in others if block.get("type") != "text"]
        text += "".join(f"\n[{kind}, which is not text, is left out]" for kind in dict.fromkeys(kinds))
        if output.status == "error":
            raise ToolError(self.name, self._cut(text).rstrip(".") or "it failed", category="domain")
        return self._cut(text)

    def _cut(self, text: str) -> str:
        if len(text) <= self.max_chars:
            return text
        return f"{text[: self.max_chars]}\n[cut: {self.max_chars} of {len(text)} characters]"

    def _told(self, error: Exception) -> str:
        return self._cut(str(error).strip().rstrip(".")) or "it failed without a reason"

    def _hint(self) -> str:
        return f"Arguments: {', '.join(p.name for p in self.description.parameters) or 'none'}."


def _refusal(error: Any) -> str:
    """The first three complaints of a pydantic error, each with its place; not what was written, which may be long."""
    found = [
        f"{'.'.join(str(part) for part in item['loc']) or 'the arguments'}: {item['msg']}" for item in error.errors()
    ]
    return shortened("; ".join(found[:3]).rstrip("."), 500) or "the arguments are refused"


def _is_asynchronous(tool: BaseTool) -> bool:
    from langchain_core.tools import BaseTool as Base

    if hasattr(tool, "coroutine"):  # a tool made of functions
        return tool.coroutine is not None
    return type(tool)._arun is not Base._arun


def _from_entry(name: str, max_chars: int, unexpected: str, entry: str) -> LangChainTool:
    """The same tool in another process.

    Raises:
        ConfigError: The entry has no tool of that name there.
    """
    found = [tool for tool in tools_of(load_entry(entry, "tools: langchain-tools.entry"), entry) if tool.name == name]
    if not found:
        raise ConfigError("tools: langchain-tools.entry", entry, f"an entry that always gives the tool {name!r}")
    return LangChainTool(found[0], max_chars, unexpected, entry)


def tools_of(found: Any, entry: str) -> list[BaseTool]:
    """The tools of an object: a tool, several, a toolkit, or a function or class without arguments that makes such.

    Raises:
        ConfigError: It is none of these, or holds no tool.
    """
    from langchain_core.tools import BaseTool, BaseToolkit

    if callable(found) and not isinstance(found, BaseTool | BaseToolkit):
        found = made_by(found, "tools: langchain-tools.entry", entry)
    if isinstance(found, BaseToolkit):
        found = found.get_tools()
    tools = list(found) if isinstance(found, list | tuple) else [found]
    if not tools or not all(isinstance(tool, BaseTool) for tool in tools):
        raise ConfigError(
            "tools: langchain-tools.entry",
            f"{entry}, a {type(found).__name__}",
            "a BaseTool, a list of them, a toolkit, or a function without arguments that makes one",
            "A plain function becomes a tool with langchain_core.tools.tool.",
        )
    return tools
